// @ts-check
/** What the visitor wrote and the desk has not confirmed: sent one at a time, each under the id it got when written. */

/** @typedef {import("./memory.js").Unsent} Unsent */

const TRIES = 5;
const LATER = ["too_fast", "try_later"];
const LATER_MS = 3000;

export class Outbox {
  #busy = false;

  /** @param {Unsent[]} items @param {(item: Unsent) => Promise<any>} post @param {() => boolean} connected
   *  @param {(item: Unsent, answer?: any) => void} changed */
  constructor(items, post, connected, changed) {
    this.items = items;
    this.post = post;
    this.connected = connected;
    this.changed = changed;
    for (const item of items) if (item.state !== "failed") item.state = "waiting";
  }

  /** @param {string} text */
  add(text) {
    /** @type {Unsent} */
    const item = { client_msg_id: uuid7(), text, at: new Date().toISOString(), state: "waiting" };
    this.items.push(item);
    this.changed(item);
    this.run();
  }

  /** @param {Unsent} item */
  again(item) {
    this.#mark(item, "waiting");
    this.run();
  }

  async run() {
    if (this.#busy) return;
    this.#busy = true;
    let item;
    while (this.connected() && (item = this.items.find((each) => each.state === "waiting"))) await this.#deliver(item);
    this.#busy = false;
  }

  /** The desk has it, whoever told us. @param {string} id @param {any} [answer] */
  confirm(id, answer) {
    const place = this.items.findIndex((item) => item.client_msg_id === id);
    if (place < 0) return;
    const [item] = this.items.splice(place, 1);
    item.state = "sent";
    this.changed(item, answer);
  }

  /** @param {Unsent} item */
  async #deliver(item) {
    this.#mark(item, "sending");
    for (let turn = 0; turn < TRIES && item.state === "sending"; turn += 1) {
      const answer = await this.post(item).catch(() => null);
      if (answer?.ok) return this.confirm(item.client_msg_id, answer);
      if (answer && !LATER.includes(answer.code)) return this.#mark(item, "failed", answer.code);
      if (!this.connected()) return this.#mark(item, "waiting");
      if (turn === TRIES - 1) return this.#mark(item, "failed", answer?.code ?? "no_answer");
      await new Promise((wake) => setTimeout(wake, (answer ? LATER_MS : 1000) * 2 ** turn));
    }
  }

  /** @param {Unsent} item @param {string} state @param {string} [code] */
  #mark(item, state, code) {
    if (item.state === "sent") return; // the desk's own copy was faster than its answer
    item.state = state;
    item.code = code;
    this.changed(item);
  }
}

/** A UUID of version 7 (RFC 9562): the time in ms, then chance. */
export function uuid7() {
  const bytes = crypto.getRandomValues(new Uint8Array(16));
  const now = Date.now();
  for (let place = 0; place < 6; place += 1) bytes[place] = Math.floor(now / 2 ** (8 * (5 - place))) % 256;
  bytes[6] = (bytes[6] & 0x0f) | 0x70;
  bytes[8] = (bytes[8] & 0x3f) | 0x80;
  const hex = Array.from(bytes, (byte) => byte.toString(16).padStart(2, "0")).join("");
  return hex.replace(/^(.{8})(.{4})(.{4})(.{4})/, "$1-$2-$3-$4-");
}
