// @ts-check
/** Everything the page says: catalogues, times, and the elements that carry words. */

export const LANGUAGES = ["en", "es"];

/** @typedef {string | Record<string, string>} Saying  a catalogue key, or a text given in several languages */
/** @typedef {Record<string, any>} Params */

/** @type {Record<string, string | Record<string, string>>} */
let catalogue = {};
let language = "en";
/** @type {WeakMap<Element, {what: Saying, params: Params}>} */
const said = new WeakMap();

/** Read a catalogue and make it the page's language. @param {string} code */
export async function speak(code) {
  const answer = await fetch(new URL(`./words/${code}.json`, import.meta.url));
  if (!answer.ok) throw new Error("no catalogue");
  catalogue = await answer.json();
  language = document.documentElement.lang = code;
}

export function spoken() {
  return language;
}

/** @param {Saying} what @param {Params} [params] @returns {string} */
export function t(what, params = {}) {
  if (typeof what !== "string") return what[language] ?? Object.values(what)[0] ?? "";
  const entry = catalogue[what] ?? "";
  const text = typeof entry === "string" ? entry : entry[new Intl.PluralRules(language).select(params.n)] ?? entry.other;
  return text.replace(/\{(\w+)\}/g, (_, name) => String(params[name] ?? ""));
}

/** @param {string} key */
export function known(key) {
  return key in catalogue;
}

/** Put words on an element, so that they follow the language. @template {Element} E
 *  @param {E} node @param {Saying} what @param {Params} [params] @returns {E} */
export function say(node, what, params = {}) {
  said.set(node, { what, params });
  node.setAttribute("data-said", "");
  const text = t(what, params);
  if (node.textContent !== text) node.textContent = text;
  return node;
}

/** Say all again after the language changed. */
export function sayAgain() {
  for (const node of document.querySelectorAll("[data-said]")) {
    const kept = said.get(node);
    if (kept) say(node, kept.what, kept.params);
  }
  for (const node of document.querySelectorAll("time")) node.textContent = clock(node.dateTime);
}

/** The time, with the date if it is another day. @param {string} at */
export function clock(at) {
  const when = new Date(at);
  const today = when.toDateString() === new Date().toDateString();
  return new Intl.DateTimeFormat(language, today ? { timeStyle: "short" } : { dateStyle: "medium", timeStyle: "short" }).format(when);
}

/** Date and time in full, with the zone. @param {string | Date} at */
export function fullTime(at) {
  return new Intl.DateTimeFormat(language, {
    weekday: "long", day: "numeric", month: "long", year: "numeric", hour: "numeric", minute: "2-digit", timeZoneName: "short",
  }).format(new Date(at));
}

/** Make an element. `said` is a catalogue key.
 *  @template {keyof HTMLElementTagNameMap} T @param {T} tag @param {Record<string, any>} [props]
 *  @param {...(Node | string | null)} children @returns {HTMLElementTagNameMap[T]} */
export function el(tag, props = {}, ...children) {
  const node = document.createElement(tag);
  for (const [name, value] of Object.entries(props)) {
    if (name === "said") say(node, value, props.params);
    else if (name === "params") continue;
    else if (/-|^(class|for|role|lang|dir)$/.test(name)) node.setAttribute(name, value);
    else /** @type {any} */ (node)[name] = value;
  }
  node.append(...children.filter((child) => child !== null));
  return node;
}

/** @param {string} id */
export function byId(id) {
  return /** @type {HTMLElement} */ (document.getElementById(id));
}

/** Tell a screen reader, politely. @param {Saying} what @param {Params} [params] */
export function announce(what, params) {
  const place = byId("announcer");
  place.textContent = "";
  place.textContent = t(what, params);
}

/** Tell a screen reader at once; nothing clears it. @param {Saying | null} what */
export function alarm(what) {
  const place = byId("alarm");
  place.textContent = "";
  if (what) place.textContent = t(what);
}
