// @ts-check
// The only writer of state. Components read the signals; the socket and the actions call the functions.

import { batch, computed, signal } from "@preact/signals";
import { serverNow } from "./clock.js";
import * as reduce from "./reducers.js";

/** @template T @typedef {import("@preact/signals").Signal<T>} Signal */

/** @type {Signal<World>} */
const world = signal({ last: 0, me: null, tickets: new Map(), offers: [], pages: new Map(), counts: { mine: 0, team: 0, unassigned: 0 } });
export const me = computed(() => world.value.me);
export const tickets = computed(() => world.value.tickets);
export const offers = computed(() => world.value.offers);
export const pages = computed(() => world.value.pages);
export const counts = computed(() => world.value.counts);
export const last = () => world.peek().last;

/** @type {Signal<"loading" | "ready" | "error" | "forbidden" | "signed_out">} */
export const phase = signal("loading");
/** @type {Signal<Map<string, ChannelInfo>>} */
export const channels = signal(new Map());
/** @type {Signal<{closure: string[], refusal: string[], away: string[]}>} */
export const reasons = signal({ closure: [], refusal: [], away: [] });
/** @type {Signal<Record<View, ListState>>} */
export const lists = signal({ mine: idle(), team: idle(), unassigned: idle(), closed: idle() });
/** @type {Signal<View>} */
export const view = signal("mine");
/** @type {Signal<string | null>} */
export const openRef = signal(null);
/** Whether the person opened it, or an address did: only a person's own step may move the focus. @type {Signal<boolean>} */
export const byHand = signal(false);
/** @type {Signal<"list" | "thread" | "context">} */
export const region = signal("list");
const phoneWide = matchMedia("(max-width: 640px)");
/** Only one region at a time fits. @type {Signal<boolean>} */
export const narrow = signal(phoneWide.matches);
phoneWide.addEventListener("change", () => { narrow.value = phoneWide.matches; });
/** @type {Signal<boolean>} */
export const contextShown = signal(matchMedia("(min-width: 1280px)").matches);
/** @type {Signal<Connection>} */
export const connection = signal({ state: "connecting", since: Date.now(), good: Date.now() });
/** @type {Signal<Unsent[]>} */
export const outbox = signal([]);
/** @type {Signal<EndedOffer[]>} */
export const ended = signal([]);
/** @type {Signal<Notice[]>} */
export const notices = signal([]);
/** @type {Signal<{polite: string[], urgent: string}>} */
export const spoken = signal({ polite: [], urgent: "" });
/** @type {Signal<DialogName | null>} */
export const dialog = signal(null);
/** The message that a dialog is about. @type {Signal<Message | null>} */
export const dialogAbout = signal(null);
/** @type {Signal<Board | null>} */
export const board = signal(null);

export const rows = computed(() =>
  reduce.longestFirst([...tickets.value.values()].filter((row) => reduce.inView(view.value, row, me.value))));
export const openPage = computed(() => (openRef.value ? pages.value.get(openRef.value) ?? null : null));
/** The row moves with every event; the page keeps the row it was loaded with, and is used until the row is known. */
export const openTicket = computed(() => (openRef.value ? tickets.value.get(openRef.value) ?? openPage.value?.page?.ticket ?? null : null));

/** @returns {ListState} */
function idle() {
  return { status: "idle", next: null };
}

/** @param {Snapshot} shot */
export function tookSnapshot(shot) {
  batch(() => {
    world.value = reduce.fromSnapshot(world.value, shot);
    channels.value = new Map(shot.channels.map((channel) => [channel.name, channel]));
    reasons.value = { closure: shot.closure_reasons, refusal: shot.refusal_reasons, away: shot.away_reasons };
    // The snapshot holds all of mine and all that waits; the other two lists have to be asked for again.
    lists.value = { mine: { status: "ready", next: null }, unassigned: { status: "ready", next: null }, team: idle(), closed: idle() };
    phase.value = "ready";
  });
}

/** @param {Frame[]} frames @returns {{gap: boolean, fresh: Item[]}} */
export function tookEvents(frames) {
  let next = world.peek();
  /** @type {Item[]} */
  const fresh = [];
  let gap = false;
  for (const frame of frames) {
    const step = reduce.applyFrame(next, frame);
    next = step.world;
    gap = gap || step.gap;
    fresh.push(...step.fresh);
  }
  batch(() => {
    world.value = next;
    const written = new Set(fresh.map((item) => item.message?.client_msg_id).filter(Boolean));
    if (written.size) outbox.value = outbox.value.filter((unsent) => !written.has(unsent.client_msg_id));
  });
  return { gap, fresh };
}

/** @param {Me} person */
export function tookMe(person) {
  if (!world.peek().me || person.v >= (world.peek().me?.v ?? 0)) world.value = { ...world.value, me: person };
}

/** @param {TicketRow} row */
export function tookTicket(row) {
  world.value = reduce.putTicket(world.value, row);
}

/** Whether I have a draft there: mine alone to know, so it does not come with events. @param {string} ref @param {boolean} draft */
export function draftIs(ref, draft) {
  const row = world.peek().tickets.get(ref);
  if (row && row.draft !== draft) world.value = { ...world.value, tickets: new Map(world.value.tickets).set(ref, { ...row, draft }) };
}

/** @param {View} name @param {{tickets: TicketRow[], next: string | null}} answer */
export function tookList(name, answer) {
  batch(() => {
    const { counts: before } = world.value;
    const next = answer.tickets.reduce(reduce.putTicket, world.value);
    // Rows from a list were counted by the server already.
    world.value = { ...next, counts: before };
    setList(name, { status: "ready", next: answer.next });
  });
}

/** @param {View} name @param {ListState} state */
export function setList(name, state) {
  lists.value = { ...lists.value, [name]: state };
}

/** @param {string} ref @param {OpenPage} open */
function setPage(ref, open) {
  world.value = { ...world.value, pages: new Map(world.value.pages).set(ref, open) };
}

/** @param {string} ref */
export function pageLoading(ref) {
  if (!world.value.pages.get(ref)?.page) setPage(ref, { status: "loading", page: null, problem: null });
}

/** @param {string} ref @param {TicketPage} page */
export function tookPage(ref, page) {
  batch(() => {
    const { counts: before } = world.value;
    const known = world.value.pages.get(ref)?.page;
    const overlaps = known && known.messages.some((message) => page.messages.some((newer) => newer.id === message.id));
    const messages = overlaps ? reduce.mergeMessages(reduce.withoutGone(known.messages, page.messages), page.messages) : page.messages;
    const more = overlaps ? known.more : page.more;
    // A row nobody has seen here was counted by the server already; one that we know has changed before our eyes.
    const next = reduce.putTicket(world.value, page.ticket);
    world.value = world.value.tickets.has(page.ticket.ref) ? next : { ...next, counts: before };
    setPage(ref, { status: "ready", page: { ...page, messages, more }, problem: null });
  });
}

/** @param {string} ref @param {Problem | null} problem */
export function pageFailed(ref, problem) {
  const missing = problem?.status === 404 || problem?.status === 403;
  setPage(ref, { status: missing ? "missing" : "error", page: missing ? null : world.value.pages.get(ref)?.page ?? null, problem });
}

/** @param {string} ref @param {Message[]} messages @param {boolean} more */
export function tookEarlier(ref, messages, more) {
  const open = world.value.pages.get(ref);
  if (!open?.page) return;
  setPage(ref, { ...open, page: { ...open.page, more, messages: reduce.mergeMessages(open.page.messages, messages) } });
}

/** Messages that came with a refusal: the person has them on screen now. @param {Message[]} messages */
export function tookMessages(messages) {
  world.value = messages.reduce(reduce.putMessage, world.value);
}

/** @param {Message} message @param {string} clientId */
export function wrote(message, clientId) {
  batch(() => {
    world.value = reduce.putMessage(world.value, message);
    outbox.value = outbox.value.filter((unsent) => unsent.client_msg_id !== clientId);
  });
}

/** Messages that are on another ticket now. @param {string} ref @param {string[]} ids */
export function movedAway(ref, ids) {
  world.value = reduce.dropMessages(world.value, ref, ids);
}

/** @param {Unsent} unsent */
export function putUnsent(unsent) {
  const others = outbox.value.filter((known) => known.client_msg_id !== unsent.client_msg_id);
  outbox.value = [...others, unsent].sort((a, b) => a.client_msg_id.localeCompare(b.client_msg_id));
}

/** @param {string} clientId */
export function dropUnsent(clientId) {
  outbox.value = outbox.value.filter((unsent) => unsent.client_msg_id !== clientId);
}

/** @param {Offer} offer @param {string} sentence */
export function endOffer(offer, sentence) {
  batch(() => {
    world.value = reduce.dropOffer(world.value, offer.id);
    if (sentence) ended.value = [...ended.value, { id: offer.id, name: offer.ticket.contact.name, sentence, until: serverNow() + 3000 }];
  });
}

export function clearEnded() {
  const left = ended.value.filter((card) => card.until > serverNow());
  if (left.length !== ended.value.length) ended.value = left;
}

/** @param {string | null} ref @param {boolean} chosen */
export function show(ref, chosen) {
  batch(() => {
    byHand.value = chosen;
    openRef.value = ref;
    dialog.value = null;
    region.value = ref ? "thread" : "list";
  });
}

/** @param {View} name */
export function showView(name) {
  view.value = name;
}

/** @param {"list" | "thread" | "context"} name */
export function goTo(name) {
  region.value = name;
}

/** @param {boolean} shown */
export function showContext(shown) {
  contextShown.value = shown;
}

/** @param {DialogName | null} name @param {Message | null} [about] */
export function ask(name, about = null) {
  batch(() => {
    dialogAbout.value = about;
    dialog.value = name;
  });
}

/** @param {"loading" | "ready" | "error" | "forbidden" | "signed_out"} name */
export function setPhase(name) {
  phase.value = name;
}

/** @param {Connection["state"]} state */
export function connectionIs(state) {
  const before = connection.value;
  if (before.state === state && state !== "live") return;
  connection.value = { state, since: before.state === state ? before.since : Date.now(), good: state === "live" ? Date.now() : before.good };
}

/** @param {Board} next */
export function tookBoard(next) {
  if (!board.value || next.at >= board.value.at) board.value = next;
}

let noticeId = 0;
/** @param {string} text @param {Notice["tone"]} [tone] @param {Notice["action"]} [action] */
export function notify(text, tone = "info", action = undefined) {
  notices.value = [...notices.value.filter((notice) => notice.text !== text), { id: ++noticeId, text, tone, action }].slice(-3);
  say(text, false);
}

/** @param {number} id */
export function dismiss(id) {
  notices.value = notices.value.filter((notice) => notice.id !== id);
}

/** @param {string} text @param {boolean} urgent */
export function say(text, urgent) {
  spoken.value = urgent ? { ...spoken.value, urgent: text } : { ...spoken.value, polite: [...spoken.value.polite, text].slice(-5) };
}

export function spokenOut() {
  spoken.value = { ...spoken.value, polite: [] };
}
