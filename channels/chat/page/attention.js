// @ts-check
/** Whether the visitor looks: what is told as seen, the unread count in the title, coming back to the page. */

import { t } from "./words.js";

const LOOK_EVERY_MS = 30_000;
const MOMENT_MS = 250; // a long history is one frame, not hundreds

export class Attention {
  #unread = 0;
  #told = { seq: 0, visible: false };
  #seq = 0;
  #turn = 0;
  #soon = 0;
  #look = () => {
    if (!document.hidden) this.#back();
  };

  /** @param {{agency: string}} site @param {(seen: {seq: number, visible: boolean}) => boolean} tell @param {() => void} back
   *  called when the visitor looks again, and every half minute while looking */
  constructor(site, tell, back) {
    this.site = site;
    this.tell = tell;
    this.back = back;
    document.addEventListener("visibilitychange", this.#look);
    addEventListener("pageshow", this.#look);
    addEventListener("online", this.#look);
    this.#turn = setInterval(this.#look, LOOK_EVERY_MS);
    this.title();
  }

  title() {
    const params = { ...this.site, n: this.#unread };
    document.title = t(this.#unread ? "title.new" : "title", params);
  }

  missed() {
    if (!document.hidden) return;
    this.#unread += 1;
    this.title();
  }

  /** Told at most once per moment, and again when a hidden tab comes into view. @param {number} seq */
  seen(seq) {
    this.#seq = seq;
    this.#soon ||= setTimeout(() => this.#tellSeen(), MOMENT_MS);
  }

  /** The line was lost: what was told on it may be lost too. */
  forgetTold() {
    this.#told = { seq: 0, visible: false };
  }

  #tellSeen() {
    this.#soon = 0;
    const now = { seq: this.#seq, visible: !document.hidden };
    if (!now.seq || (now.seq === this.#told.seq && (this.#told.visible || !now.visible))) return;
    if (this.tell(now)) this.#told = now;
  }

  #back() {
    if (this.#unread) {
      this.#unread = 0;
      this.title();
    }
    this.back();
  }

  close() {
    document.removeEventListener("visibilitychange", this.#look);
    removeEventListener("pageshow", this.#look);
    removeEventListener("online", this.#look);
    clearInterval(this.#turn);
    clearTimeout(this.#soon);
  }
}
