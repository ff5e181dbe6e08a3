// @ts-check
// What the agent has sent and the server has not yet confirmed. Survives a reload; one try at a time per ticket.

import * as api from "./api.js";
import * as drafts from "./drafts.js";
import { isCaughtUp } from "./socket.js";
import * as store from "./store.js";
import { t } from "./i18n.js";

const TRIES = 5;
const key = () => `cc.outbox.${store.me.peek()?.id}`;
/** @type {Map<string, ReturnType<typeof setTimeout>>} */
const alarms = new Map();
/** @type {Set<string>} */
const busy = new Set();

/** @param {{ref: string, kind: "reply" | "note", text: string, expected_last_seq: number, uploads: number[]} & Envelope} written */
export function send(written) {
  /** @type {Unsent} */
  const unsent = { ...written, client_msg_id: timeOrderedId(), send_anyway: false, state: "sending", tries: 0,
    at: new Date().toISOString(), problem: null };
  keep(unsent);
  void attempt(unsent.client_msg_id);
}

/** UUID version 7 (RFC 9562): the first 48 bits are the time, so that ids sort as they were written. */
export function timeOrderedId() {
  const bytes = crypto.getRandomValues(new Uint8Array(16));
  const time = Date.now();
  for (let i = 0; i < 6; i++) bytes[i] = Math.floor(time / 2 ** (8 * (5 - i))) & 255;
  bytes[6] = (bytes[6] & 15) | 112;
  bytes[8] = (bytes[8] & 63) | 128;
  const hex = [...bytes].map((byte) => byte.toString(16).padStart(2, "0")).join("");
  return hex.replace(/^(.{8})(.{4})(.{4})(.{4})(.{12})$/, "$1-$2-$3-$4-$5");
}

/** @param {Unsent} unsent */
function keep(unsent) {
  store.putUnsent(unsent);
  write();
}

function write() {
  try {
    localStorage.setItem(key(), JSON.stringify(store.outbox.peek()));
  } catch { /* storage full or forbidden: the message still lives in this tab */ }
}

/** Puts back what an earlier page load left behind. */
export function restore() {
  try {
    /** @type {Unsent[]} */
    const left = JSON.parse(localStorage.getItem(key()) ?? "[]");
    for (const unsent of left) store.putUnsent({ ...unsent, state: unsent.state === "sending" ? "unconfirmed" : unsent.state });
  } catch { /* an unreadable outbox cannot be sent; drafts are still on the server */ }
}

/** After a reconnect, and only when every missed event has been seen. */
export function flush() {
  for (const { client_msg_id, state } of store.outbox.peek()) {
    if (state === "queued" || state === "unconfirmed" || state === "sending") void attempt(client_msg_id);
  }
  write();
}

/** @param {string} id */
async function attempt(id) {
  const unsent = find(id);
  if (!unsent || busy.has(id)) return;
  if (!isCaughtUp()) return keep({ ...unsent, state: unsent.tries ? "unconfirmed" : "queued" });
  busy.add(id);
  clearTimeout(alarms.get(id));
  keep({ ...unsent, state: unsent.tries ? "unconfirmed" : "sending", tries: unsent.tries + 1, problem: null });
  try {
    store.wrote(await api.write(unsent), id);
    drafts.sent(unsent.ref);
    write();
  } catch (error) {
    failed(id, error);
  } finally {
    busy.delete(id);
  }
}

/** @param {string} id @param {unknown} error */
function failed(id, error) {
  const unsent = find(id);
  if (!unsent) return; // the event of the message came before the answer
  if (error instanceof api.Refused) return refused(unsent, error.problem);
  if (unsent.tries >= TRIES) return giveUp(unsent, null);
  keep({ ...unsent, state: "unconfirmed" });
  // Same id again, so the server can tell a repeat; 1, 2, 4, 8 s apart.
  alarms.set(id, setTimeout(() => void attempt(id), 1000 * 2 ** (unsent.tries - 1)));
}

/** @param {Unsent} unsent @param {Problem} problem */
function refused(unsent, problem) {
  if (problem.slug !== "changed-meanwhile") return giveUp(unsent, problem);
  store.tookMessages(problem.changes ?? []);
  keep({ ...unsent, state: "conflict", problem });
  store.say(t("conflict.title"), true);
}

/** @param {Unsent} unsent @param {Problem | null} problem */
function giveUp(unsent, problem) {
  keep({ ...unsent, state: "failed", problem });
  store.say(t("unsent.failed_said"), true);
}

/** @param {string} id */
const find = (id) => store.outbox.peek().find((unsent) => unsent.client_msg_id === id);

/** @param {Unsent} unsent */
export function retry(unsent) {
  keep({ ...unsent, state: "sending", tries: 0, problem: null });
  void attempt(unsent.client_msg_id);
}

/** @param {Unsent} unsent @param {number} seen */
export function sendAnyway(unsent, seen) {
  retry({ ...unsent, send_anyway: true, expected_last_seq: seen });
}

/** @param {Unsent} unsent @param {number} seen */
export function saveAsNote(unsent, seen) {
  drop(unsent);
  send({ ref: unsent.ref, kind: "note", text: unsent.text, expected_last_seq: seen, endpoint_id: null, cc: [], bcc: [], subject: null, uploads: [] });
}

/** @param {Unsent} unsent */
export function drop(unsent) {
  clearTimeout(alarms.get(unsent.client_msg_id));
  store.dropUnsent(unsent.client_msg_id);
  write();
}

/** @param {Unsent} unsent */
export function edit(unsent) {
  drop(unsent);
  drafts.putBack(unsent.ref, { text: unsent.text, kind: unsent.kind }, unsent);
  if (unsent.uploads?.length) store.notify(t("uploads.again"), "bad");
}

export function clearDevice() {
  localStorage.removeItem(key());
}
