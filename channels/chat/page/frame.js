// @ts-check
/** What stands around the messages: who answers, the reference, the buttons, the notices. */

import { announce, el, say } from "./words.js";

/** @typedef {import("./app.js").Site} Site */
/** @typedef {{language: (code: string) => void, download: () => void, leave: () => void, here: () => void}} Wishes */

export class Frame {
  /** @type {string | null} */
  told = null;

  /** @param {Site} site @param {Wishes} wishes */
  constructor(site, wishes) {
    this.site = site;
    this.leave = el("button", { type: "button", said: "chat.end", onclick: wishes.leave });
    this.who = el("span");
    this.hours = el("span");
    this.reference = el("p", { class: "reference", hidden: true });
    this.notice = el("div", { class: "notice", hidden: true });
    this.elsewhere = el("div", { class: "notice", hidden: true },
      el("p", { said: "tab.elsewhere" }), el("button", { type: "button", said: "tab.here", onclick: wishes.here }));
    this.storage = el("p", { class: "notice quiet", hidden: true, said: "chat.storage" });
    this.queue = el("div", { class: "queue", hidden: true });
    this.typing = el("p", { class: "typing", "aria-hidden": "true" });
    this.head = el("header", {},
      el("h1", { said: "chat.heading", params: site }), this.#more(wishes), el("p", { class: "who" }, this.who, " ", this.hours), this.reference);
    this.adviser(null);
    this.notices = el("div", { class: "notices" }, this.notice, this.elsewhere, this.storage, this.queue);
  }

  /** The other languages and the seldom used buttons: side by side where there is room. @param {Wishes} wishes */
  #more(wishes) {
    const others = this.site.languages.map((code) =>
      el("button", { type: "button", lang: code, said: `language.${code}`, onclick: () => wishes.language(code) }));
    const language = el("p", { class: "languages" }, el("span", { said: "chat.language" }), ...others);
    const more = el("details", { class: "more" }, el("summary", { said: "chat.more" }),
      el("div", {}, ...(others.length > 1 ? [language] : []),
        el("button", { type: "button", said: "chat.download", onclick: wishes.download }),
        this.leave));
    const wide = matchMedia("(min-width: 48em)");
    wide.onchange = () => (more.open = wide.matches);
    more.open = wide.matches;
    const close = () => (more.open = wide.matches);
    more.onkeydown = (event) => {
      if (event.key === "Escape" && !wide.matches) { close(); more.querySelector("summary")?.focus(); }
    };
    more.onclick = (event) => { // a returned false would undo the click
      if (event.target instanceof HTMLButtonElement) close();
    };
    document.addEventListener("click", (event) => !more.contains(/** @type {Node} */ (event.target)) && close());
    return more;
  }

  /** @param {boolean} open @param {string} sentence the opening hours, told while closed */
  opening(open, sentence) {
    this.site.open = open;
    this.hours.textContent = open ? "" : sentence;
  }

  /** @param {string | null} name */
  adviser(name) {
    if (name) say(this.who, "chat.with", { name, agency: this.site.agency });
    else say(this.who, this.site.open ? "chat.nobody" : "chat.closed_now");
  }

  /** @param {string} ref */
  refer(ref) {
    this.reference.hidden = false;
    this.reference.replaceChildren(...referenceWords(ref));
  }

  /** @param {number | null} n place in the queue */
  waiting(n) {
    this.queue.hidden = !n;
    if (n) this.queue.replaceChildren(
      el("p", {}, el("b", { said: "queue.number", params: { n } }), " ", el("span", { said: "queue.unknown" })),
      el("p", { said: "queue.keep" }));
  }

  /** @param {string | null} key @param {Record<string, any>} [params] */
  tell(key, params) {
    this.told = key;
    this.notice.hidden = !key;
    if (key) this.notice.replaceChildren(el("p", { said: key, params }));
  }

  /** Take a notice away if it is still this one. @param {string} key */
  untell(key) {
    if (this.told === key) this.tell(null);
  }

  /** Seen, not read out. @param {string | null} name */
  writes(name) {
    say(this.typing, name ? "chat.typing" : "", { name });
  }
}

/** The reference and its copy button. @param {string} ref */
export function referenceWords(ref) {
  const code = el("strong", { class: "ref", dir: "ltr", translate: false, textContent: ref });
  const button = el("button", { type: "button", class: "small" },
    el("span", { said: "chat.copy" }), " ", el("span", { class: "unseen", said: "chat.copy_what" }));
  const label = /** @type {Element} */ (button.firstElementChild);
  button.onclick = () => copy(code, () => {
    say(label, "chat.copied");
    announce("chat.copied");
    setTimeout(() => say(label, "chat.copy"), 4000);
  });
  return [el("span", { said: "chat.reference" }), " ", code, " ", button];
}

/** @param {HTMLElement} code @param {() => void} done */
function copy(code, done) {
  navigator.clipboard?.writeText(code.textContent ?? "").then(done, () => select(code)) ?? select(code);
}

/** Without the right to copy, the text is at least selected. @param {HTMLElement} code */
function select(code) {
  getSelection()?.selectAllChildren(code);
}
