// @ts-check
/** The messages of the chat in the order the desk gave them. */

/** @typedef {{seq: number, prev: number | null, from: "you" | "adviser" | "system", name: string | null, text: string, at: string,
 *             client_msg_id: string | null, key: string | null, params: Record<string, any> | null}} Said */

const FULL_PAGE = 50; // a page of the desk is no smaller, so after fewer there is no more

export class Thread {
  last = 0;
  /** @type {Said[]} */
  messages = [];
  #pulling = false;
  #again = false;

  /** @param {(after: number) => Promise<{messages: Said[], last: number}>} fetch @param {(message: Said) => void} added */
  constructor(fetch, added) {
    this.fetch = fetch;
    this.added = added;
  }

  /** A message came by the line: a repeat is dropped, a gap is filled from the desk. @param {Said} message */
  hear(message) {
    if (message.seq <= this.last) return;
    if ((message.prev ?? 0) === this.last) this.#take(message);
    else this.pull();
  }

  /** Fetch what is missing. Rejects never: the next turn tries again. */
  async pull() {
    if (this.#pulling) {
      this.#again = true;
      return;
    }
    this.#pulling = true;
    do {
      this.#again = false;
      await this.#page().catch(() => {}); // no answer: reconnect, coming back or the next half minute asks again
    } while (this.#again);
    this.#pulling = false;
  }

  /** Another request: its numbers start again, what was said before stays. */
  restart() {
    this.last = 0;
    return this.pull();
  }

  async #page() {
    const { messages } = await this.fetch(this.last);
    for (const message of messages) if (message.seq > this.last) this.#take(message);
    if (messages.length >= FULL_PAGE) this.#again = true;
  }

  /** @param {Said} message */
  #take(message) {
    this.messages.push(message);
    this.last = message.seq;
    this.added(message);
  }
}
