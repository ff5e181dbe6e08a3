// @ts-check
// What a person can do: ask the server, then tell the store.

import * as api from "./api.js";
import { has, language, t } from "./i18n.js";
import * as store from "./store.js";

/** @param {unknown} error @returns {string} a sentence for a person */
export function sentence(error) {
  return error instanceof api.Refused ? refusal(error.problem) : t("error.unreached");
}

/** @param {Problem} problem */
export function refusal({ slug, detail }) {
  // The server speaks English; where we have the sentence ourselves it is said in the agent's language.
  if (language() !== "en" && has(`problem.${slug}`)) return t(`problem.${slug}`);
  return detail || t(`problem.${slug}`);
}

/** @param {() => Promise<unknown>} work @returns {Promise<boolean>} */
async function tried(work) {
  try {
    await work();
    return true;
  } catch (error) {
    if (error instanceof api.Refused && error.problem.status === 401) leave();
    else store.notify(sentence(error), "bad");
    return false;
  }
}

export function leave() {
  store.setPhase("signed_out");
}

/** @param {string} ref @param {boolean} [remember] */
export function open(ref, remember = true) {
  if (remember) history.pushState({}, "", `/agent/t/${encodeURIComponent(ref)}`);
  store.show(ref, remember);
  void loadPage(ref);
}

export function backToList() {
  history.pushState({}, "", "/agent");
  store.show(null, true);
}

/** @param {string} ref */
export async function loadPage(ref) {
  store.pageLoading(ref);
  try {
    store.tookPage(ref, await api.ticket(ref));
  } catch (error) {
    store.pageFailed(ref, error instanceof api.Refused ? error.problem : null);
  }
}

/** @param {string} ref @param {number} before */
export const loadEarlier = (ref, before) => tried(async () => {
  const { messages, more } = await api.earlier(ref, before);
  store.tookEarlier(ref, messages, more);
});

/** @param {View} name */
export function openView(name) {
  store.showView(name);
  const { status } = store.lists.peek()[name];
  if (status === "idle" || status === "error") void loadView(name, null);
}

/** @param {View} name @param {string | null} after */
export async function loadView(name, after) {
  store.setList(name, { ...store.lists.peek()[name], status: "loading" });
  try {
    store.tookList(name, await api.tickets(name, after));
  } catch {
    // The list itself says so, with "Try again"; the rows we have stay.
    store.setList(name, { ...store.lists.peek()[name], status: "error" });
  }
}

/** @param {Offer} offer @param {boolean} andOpen */
export async function accept(offer, andOpen) {
  try {
    store.tookTicket(await api.accept(offer.id));
    store.endOffer(offer, andOpen ? "" : t("offer.accepted", { name: offer.ticket.contact.name || offer.ticket.address }));
    store.say(t("offer.accepted", { name: offer.ticket.contact.name || offer.ticket.address }), false);
    if (andOpen) open(offer.ref);
  } catch (error) {
    lostOffer(offer, error);
  }
}

/** @param {Offer} offer @param {string} reason */
export async function decline(offer, reason) {
  try {
    await api.decline(offer.id, reason);
    store.endOffer(offer, t("offer.declined"));
    store.say(t("offer.declined"), false);
  } catch (error) {
    lostOffer(offer, error);
  }
}

/** @param {Offer} offer @param {unknown} error */
function lostOffer(offer, error) {
  if (error instanceof api.Refused && error.problem.status === 409) {
    store.endOffer(offer, sentence(error));
    store.say(sentence(error), false);
  } else store.notify(sentence(error), "bad");
}

/** @param {string} ref */
export const take = (ref) => tried(async () => {
  store.tookTicket(await api.take(ref));
  store.notify(t("ticket.taken"), "ok");
  await loadPage(ref);
});

/** @param {string} ref @param {{queue?: string, staff_id?: number, note: string}} wanted @param {string} to */
export const transfer = (ref, wanted, to) => tried(async () => {
  store.tookTicket(await api.transfer(ref, wanted));
  store.ask(null);
  store.notify(t("transfer.done", { to }), "ok");
});

/** @param {string} ref @param {string} reason @param {string} text */
export const close = (ref, reason, text) => tried(async () => {
  store.tookTicket(await api.close(ref, reason, text));
  store.ask(null);
  store.notify(t("closure.closed_now"), "ok");
  await loadPage(ref);
});

/** @param {string} ref @param {string} why */
export const reopen = (ref, why) => tried(async () => {
  store.tookTicket(await api.reopen(ref, why));
  store.ask(null);
  store.notify(t("reopen.done"), "ok");
  await loadPage(ref);
});

/** The way by which a message can still be stopped. @param {Message} message @returns {Promise<boolean>} */
export const undo = (message) => tried(async () => {
  const { text } = await api.takeBack(message.ref, message.id);
  const { recipients, subject } = message;
  const only = (/** @type {Addressee[]} */ list) => list.map(({ address }) => address);
  const { putBack } = await import("./drafts.js");
  putBack(message.ref, { text, kind: "reply" }, { endpoint_id: message.delivery?.endpoint_id ?? null, cc: only(recipients.cc), bcc: only(recipients.bcc), subject });
  store.say(t("undo.done"), false);
  if (message.files.length) store.notify(t("uploads.again"), "bad"); // they left with the message that was taken back
  await loadPage(message.ref);
  requestAnimationFrame(() => document.getElementById("writing")?.focus());
});

/** @param {Message} message @param {Way} way */
export const resend = (message, way) => tried(async () => {
  const { timeOrderedId } = await import("./outbox.js");
  store.tookMessages([await api.resend(message.ref, message.id, way.id, timeOrderedId())]);
  store.notify(t("resend.done", { address: way.shown }), "ok");
});

/** @param {Message} message */
export const letIn = (message) => tried(async () => {
  store.tookMessages([await api.letIn(message.ref, message.id)]);
  store.notify(t("held.accepted", { name: message.author.name || message.author.address }), "ok");
  await loadPage(message.ref);
});

/** @param {string} ref @param {string[]} ids @param {string | null} to */
export const move = (ref, ids, to) => tried(async () => {
  const moved = await api.move(ref, ids, to);
  store.movedAway(ref, moved.message_ids);
  store.ask(null);
  const back = () => void moveBack(moved.ref, moved.message_ids[0]);
  store.notify(to ? t("move.done", { n: moved.message_ids.length, ref: moved.ref }) : t("move.apart"), "ok", to ? { word: t("undo.word"), act: back } : undefined);
  await loadPage(ref);
});

/** @param {string} ref @param {string} id */
export const moveBack = (ref, id) => tried(async () => {
  const moved = await api.moveBack(ref, id);
  store.movedAway(ref, moved.message_ids);
  store.notify(t("move.undone", { ref: moved.ref }), "ok");
  const open = store.openRef.peek();
  if (open) await loadPage(open);
});

/** @param {string} ref @param {number} contact @param {number} endpoint @param {"given" | "revoked"} state */
export const settleConsent = (ref, contact, endpoint, state) => tried(async () => {
  await api.settleConsent(contact, endpoint, state);
  store.notify(t(`doubted.settled.${state}`), "ok");
  await loadPage(ref);
});

/** @param {Intent} intent @param {string} [reason] */
export const setIntent = (intent, reason) => tried(async () => store.tookMe(await api.setIntent(intent, reason)));
