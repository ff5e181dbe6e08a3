// @ts-check
/** How messages look: a list in a log. What is confirmed stands in the desk's order, what is not yet stands below it. */

import { clock, el, known, say } from "./words.js";

/** @typedef {import("./thread.js").Said} Said */
/** @typedef {import("./memory.js").Unsent} Unsent */

const FAILURES = ["no_answer", "too_long", "too_fast", "try_later", "refused"];

export class Bubbles {
  list = el("ol", { role: "list" });
  box = el("div", { role: "log", class: "log", tabIndex: 0, "aria-live": "off", "aria-relevant": "additions" }, this.list);
  /** @type {Map<string, HTMLLIElement>} own messages by the id they were written under */
  #own = new Map();
  /** @type {HTMLLIElement | null} */
  #lastKnown = null;
  /** @type {[number, HTMLElement][]} */
  #words = [];
  /** Whether new messages scroll into view: until the visitor scrolls up to read. */
  #following = true;

  /** @param {(item: Unsent) => void} again */
  constructor(again) {
    this.again = again;
    let top = 0;
    this.box.onscroll = () => {
      const atEnd = this.box.scrollHeight - this.box.scrollTop - this.box.clientHeight < 80;
      // Only a move up is a wish: a message that came in the meantime also makes the end farther away.
      if (atEnd || this.box.scrollTop < top) this.#following = atEnd;
      top = this.box.scrollTop;
    };
    const follow = new ResizeObserver(() => this.#following && this.toEnd());
    follow.observe(this.box);
    follow.observe(this.list);
  }

  /** Changes from now on are read out, or not: history never is. @param {boolean} aloud */
  readOut(aloud) {
    this.box.setAttribute("aria-live", aloud ? "polite" : "off");
  }

  /** @param {Said} message */
  add(message) {
    const own = message.client_msg_id ? this.#own.get(message.client_msg_id) : undefined;
    const next = this.#lastKnown ? this.#lastKnown.nextElementSibling : this.list.firstElementChild;
    const bubble = own ?? this.#draw(message);
    if (next !== bubble) this.list.insertBefore(bubble, next); // moving it would read it out once more
    this.#lastKnown = bubble;
    if (message.from === "you") {
      const word = /** @type {HTMLElement} */ (bubble.querySelector(".word"));
      word.parentElement?.replaceChildren(say(word, "sent.sent"));
      this.#words.push([message.seq, word]);
    }
    if (message.from === "you") this.toEnd();
  }

  /** An own message the desk has not numbered yet. @param {Unsent} item @param {boolean} connected */
  show(item, connected) {
    let bubble = this.#own.get(item.client_msg_id);
    if (!bubble) {
      bubble = this.#draw({ from: "you", name: null, key: null, params: null, seq: 0, prev: 0, ...item });
      this.list.append(bubble);
      this.toEnd();
    }
    this.#state(bubble, item, connected);
  }

  /** Delivered and read, up to these numbers. @param {number} delivered @param {number} read */
  reached(delivered, read) {
    for (const [seq, word] of this.#words) {
      if (seq <= read) say(word, "sent.read");
      else if (seq <= delivered) say(word, "sent.delivered");
    }
  }

  /** The numbers start again: those on screen are of an earlier request. */
  restart() {
    this.#words = [];
  }

  toEnd() {
    this.#following = true;
    this.box.scrollTop = this.box.scrollHeight;
  }

  /** @param {HTMLElement} bubble @param {Unsent} item @param {boolean} connected */
  #state(bubble, item, connected) {
    const place = /** @type {HTMLElement} */ (bubble.querySelector(".state"));
    const failed = item.state === "failed";
    const moving = item.state === "waiting" && connected ? "sending" : item.state;
    const why = failed && item.code ? (FAILURES.includes(item.code) ? `failed_${item.code}` : "failed") : moving;
    const word = el("span", { class: failed ? "word bad" : "word", said: `sent.${why}` });
    const button = failed && el("button", { type: "button", class: "small", said: "sent.again", onclick: () => this.again(item) });
    place.replaceChildren(word, ...(button ? [button] : []));
  }

  /** @param {Said} message @returns {HTMLLIElement} */
  #draw(message) {
    if (message.from === "system") return el("li", { class: "line" }, systemLine(message));
    const mine = message.from === "you";
    const bubble = el("li", { class: mine ? "said mine" : "said" },
      el("p", { class: "by" }, author(message), el("time", { dateTime: message.at, textContent: clock(message.at) })),
      el("p", { class: "text", dir: "auto" }, ...(mine ? [message.text] : linked(message.text))),
      mine ? el("p", { class: "state" }, el("span", { class: "word" })) : null);
    if (mine && message.client_msg_id) this.#own.set(message.client_msg_id, bubble);
    return bubble;
  }
}

/** @param {Said} message */
export function authorKey(message) {
  if (message.from === "you") return "by.you";
  return message.name ? "by.adviser" : "by.adviser_unnamed";
}

/** @param {Said} message */
function author(message) {
  return el("b", { said: authorKey(message), params: { name: message.name } });
}

/** @param {Said} message */
function systemLine(message) {
  const [key, params] = lineWords(message);
  if (!key && !message.text) return el("p", { hidden: true }); // a line this page does not know yet
  return key ? el("p", { said: key, params }) : el("p", { textContent: message.text });
}

/** Catalogue key and parameters of a system line; no key where the catalogue does not know it.
 *  @param {Said} message @returns {[string, Record<string, any>]} */
export function lineWords(message) {
  const params = { ...message.params };
  params.reply_by ??= params.by;
  const promised = message.key === "received_ack" && params.reply_by;
  if (promised && /^\d{4}-\d\d-\d\dT/.test(params.reply_by)) params.reply_by = clock(params.reply_by);
  const key = `line.${message.key}${promised ? "_by" : ""}`;
  return [known(key) ? key : "", params];
}

/** Web addresses become links that say they open a new tab. @param {string} text @returns {(Node | string)[]} */
function linked(text) {
  return text.split(/(https?:\/\/[^\s<>"]+[^\s<>".,;:!?)\]])/).map((part, place) => place % 2 === 0 ? part
    : el("a", { href: part, target: "_blank", rel: "noopener noreferrer nofollow", textContent: `${part} ` },
      el("span", { class: "aside", said: "link.new_tab" })));
}
