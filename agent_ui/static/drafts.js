// @ts-check
// One draft per ticket, saved on the server 800 ms after the last change and mirrored on this device until it is.

import { signal } from "@preact/signals";
import * as api from "./api.js";
import * as store from "./store.js";

/** @typedef {Draft & {state: "saved" | "saving" | "local"}} Kept */
const PAUSE_MS = 800;
/** @type {import("@preact/signals").Signal<Map<string, Kept>>} */
const drafts = signal(new Map());
/** @type {Map<string, ReturnType<typeof setTimeout>>} */
const timers = new Map();
/** Saves run one after the other per ticket: a delete can never overtake a save. @type {Map<string, Promise<void>>} */
const lines = new Map();
/** To whom and under which subject: this device alone keeps it, until it is sent. @type {import("@preact/signals").Signal<Map<string, Envelope>>} */
const envelopes = signal(new Map());
/** @type {Envelope} */
const PLAIN = { endpoint_id: null, cc: [], bcc: [], subject: null };
const mirror = (/** @type {string} */ ref) => `cc.draft.${store.me.peek()?.id}.${ref}`;

/** @param {string} ref @returns {Kept} */
export const of = (ref) => drafts.value.get(ref) ?? { text: "", kind: "reply", state: "saved" };

/** @param {string} ref @returns {Envelope} */
export const envelopeOf = (ref) => envelopes.value.get(ref) ?? PLAIN;

/** @param {string} ref @param {Partial<Envelope>} change */
export function address(ref, change) {
  envelopes.value = new Map(envelopes.peek()).set(ref, { ...envelopeOf(ref), ...change });
}

/** What this device could not save is newer than what the server has. @param {string} ref @param {Draft | null} fromServer */
export function begin(ref, fromServer) {
  if (drafts.peek().has(ref)) return;
  const local = unsaved(ref);
  put(ref, { text: "", kind: "reply", ...(local ?? fromServer ?? {}), state: local ? "local" : "saved" });
  if (local) save(ref);
}

/** @param {string} ref @returns {Draft | null} */
function unsaved(ref) {
  try {
    return JSON.parse(localStorage.getItem(mirror(ref)) ?? "null");
  } catch {
    return null; // an unreadable mirror is worth less than the server's copy
  }
}

/** @param {string} ref @param {Draft} draft */
export function change(ref, draft) {
  put(ref, { ...draft, state: "saving" });
  try {
    localStorage.setItem(mirror(ref), JSON.stringify(draft));
  } catch { /* storage full or forbidden: the server's copy follows */ }
  clearTimeout(timers.get(ref));
  timers.set(ref, setTimeout(() => save(ref), PAUSE_MS));
}

/** On blur, hide and switch: now rather than in 800 ms. @param {string} ref */
export function saveNow(ref) {
  if (drafts.peek().get(ref)?.state === "saved") return;
  clearTimeout(timers.get(ref));
  save(ref);
}

/** @param {string} ref */
function save(ref) {
  lines.set(ref, (lines.get(ref) ?? Promise.resolve()).then(() => saveOnce(ref)));
}

/** @param {string} ref */
async function saveOnce(ref) {
  const draft = drafts.peek().get(ref);
  if (!draft || draft.state === "saved") return;
  const { text, kind } = draft;
  try {
    await api.saveDraft(ref, { text, kind });
    store.draftIs(ref, text !== "");
    if (drafts.peek().get(ref)?.text !== text) return;
    put(ref, { text, kind, state: "saved" });
    localStorage.removeItem(mirror(ref));
  } catch {
    // Unreached or refused: the text stays on this device and is offered again on the next change or load.
    put(ref, { ...(drafts.peek().get(ref) ?? draft), state: "local" });
  }
}

/** The text left the composer for the outbox; the server's copy stays until the answer. @param {string} ref */
export function emptied(ref) {
  clearTimeout(timers.get(ref));
  localStorage.removeItem(mirror(ref));
  put(ref, { ...of(ref), text: "", state: "saved" });
  address(ref, PLAIN);
}

/** The server confirmed the message: its draft goes, unless something new is being written. @param {string} ref */
export function sent(ref) {
  const draft = drafts.peek().get(ref);
  if (draft?.text) return saveNow(ref);
  put(ref, { text: "", kind: draft?.kind ?? "reply", state: "saving" });
  save(ref);
}

/** @param {string} ref @param {Draft} draft @param {Envelope} [envelope] */
export function putBack(ref, draft, envelope) {
  const before = of(ref).text;
  if (envelope) address(ref, { endpoint_id: envelope.endpoint_id, cc: envelope.cc, bcc: envelope.bcc, subject: envelope.subject });
  change(ref, { kind: draft.kind, text: before ? `${draft.text}\n\n${before}` : draft.text });
}

/** Drafts that only this device has go when the agent signs out, the server keeps its own. */
export function clearDevice() {
  const start = `cc.draft.${store.me.peek()?.id}.`;
  for (const key of Object.keys(localStorage)) if (key.startsWith(start)) localStorage.removeItem(key);
}

/** @param {string} ref @param {Kept} kept */
function put(ref, kept) {
  drafts.value = new Map(drafts.peek()).set(ref, kept);
}
