// @ts-check
/** Where the visitor writes. */

import { el, say } from "./words.js";

const TYPING_EVERY_MS = 3000;
const TELL_LEFT_BELOW = 800;

export class Composer {
  #typed = 0;

  /** @param {{max: number, draft: string, enter: boolean, send: (text: string) => void, typing: () => void,
   *          kept: (draft: string, enter: boolean) => void}} given `max` is in bytes of UTF-8 */
  constructor(given) {
    this.given = given;
    this.label = el("label", { for: "message", said: "compose.label" });
    this.box = el("textarea", { id: "message", rows: 2, value: given.draft, dir: "auto", "aria-describedby": "message-error message-left" });
    this.error = el("p", { id: "message-error", class: "error" });
    this.left = el("p", { id: "message-left", class: "hint" });
    this.enter = el("input", { type: "checkbox", id: "enter", checked: given.enter });
    this.fields = el("fieldset", { class: "plain" }, this.label, this.error, this.box, this.left,
      el("div", { class: "row" },
        el("div", { class: "choice keyboard" }, this.enter, el("label", { for: "enter", said: "compose.enter" })),
        el("button", { class: "main", said: "compose.send" })));
    this.form = el("form", { class: "composer", noValidate: true, onsubmit: (/** @type {Event} */ event) => this.#submit(event) }, this.fields);
    this.box.oninput = () => this.#input();
    this.box.onkeydown = (event) => this.#key(event);
    this.enter.onchange = () => this.#keep();
    this.#count();
  }

  /** @param {string} label */
  relabel(label) {
    say(this.label, label);
  }

  /** @param {boolean} on */
  allow(on) {
    this.fields.disabled = !on;
  }

  /** @param {Event} event */
  #submit(event) {
    event.preventDefault();
    const text = this.box.value.trim();
    const over = bytes(text) - this.given.max;
    if (!text || over > 0) return this.#complain(text ? "compose.long" : "compose.empty", over);
    this.given.send(text);
    this.box.value = "";
    this.#keep();
    this.#count();
    this.#clear();
    this.box.focus();
  }

  /** @param {string} key @param {number} n */
  #complain(key, n) {
    say(this.error, key, { n });
    this.box.setAttribute("aria-invalid", "true");
    this.box.focus();
  }

  #clear() {
    say(this.error, "");
    this.box.removeAttribute("aria-invalid");
  }

  /** @param {KeyboardEvent} event */
  #key(event) {
    if (event.key !== "Enter" || event.shiftKey || event.isComposing || !this.enter.checked) return;
    event.preventDefault();
    this.form.requestSubmit();
  }

  #input() {
    this.#clear();
    this.#count();
    this.#keep();
    const now = Date.now();
    if (!this.box.value || now - this.#typed < TYPING_EVERY_MS) return;
    this.#typed = now;
    this.given.typing();
  }

  #count() {
    const n = this.given.max - bytes(this.box.value);
    say(this.left, n >= 0 && n < TELL_LEFT_BELOW ? "compose.left" : "", { n });
  }

  #keep() {
    this.given.kept(this.box.value, this.enter.checked);
  }
}

/** @param {string} text */
function bytes(text) {
  return new TextEncoder().encode(text).length;
}
