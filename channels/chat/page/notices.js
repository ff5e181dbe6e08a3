// @ts-check
/** What is said of the line: nothing while it is good, and never at once, so that a short break makes no noise. */

import { alarm, announce } from "./words.js";

const CONNECTING_MS = 1000;
const SLOW_MS = 10_000;
const LOST_MS = 1500;
const BACK_MS = 6000;

export class Notices {
  /** @type {ReturnType<typeof setTimeout>[]} */
  #pending = [];
  #lost = false;

  /** @param {(key: string | null, params?: Record<string, any>) => void} tell */
  constructor(tell) {
    this.tell = tell;
  }

  connecting() {
    this.#later(CONNECTING_MS, () => this.tell("line_state.connecting"));
    this.#later(SLOW_MS, () => this.tell("line_state.slow"));
  }

  lost() {
    this.quiet();
    this.#later(LOST_MS, () => {
      this.#lost = true;
      this.tell("line_state.lost");
      alarm("line_state.lost");
    });
  }

  /** The line is good. @param {number | null | undefined} place in the queue @param {string | null} otherwise what to show
   *  where nothing was lost */
  good(place, otherwise) {
    this.quiet();
    if (!this.#lost) return this.tell(otherwise);
    this.#lost = false;
    const key = place ? "line_state.back_number" : "line_state.back";
    alarm(null);
    announce(key, { n: place });
    this.tell(key, { n: place });
    this.#later(BACK_MS, () => this.tell(null));
  }

  quiet() {
    this.#pending.forEach(clearTimeout);
    this.#pending = [];
  }

  /** @param {number} ms @param {() => void} then */
  #later(ms, then) {
    this.#pending.push(setTimeout(then, ms));
  }
}
