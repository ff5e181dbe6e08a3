// @ts-check
// Essential keys only. Nothing is bound that a browser, a screen reader or AltGr needs.

import * as actions from "./actions.js";
import * as store from "./store.js";

/** @param {KeyboardEvent} event */
export function pressed(event) {
  // AltGr arrives as Ctrl+Alt: those people are typing their own language.
  if (event.isComposing || event.getModifierState("AltGraph") || event.altKey || event.defaultPrevented) return;
  if (document.querySelector("dialog[open]")) return;
  if (event.key === "F6") return moveRegion(event);
  if (event.ctrlKey && event.key === ".") return acceptOldest(event);
  if (event.key === "Escape") return escape(event);
}

/** @param {KeyboardEvent} event */
function moveRegion(event) {
  const regions = /** @type {HTMLElement[]} */ ([...document.querySelectorAll("[data-region]:not([data-region='false'])")]).filter((el) => el.checkVisibility());
  const at = regions.findLastIndex((el) => el.contains(document.activeElement));
  const next = regions[event.shiftKey ? (at < 0 ? regions.length : at) - 1 : at + 1];
  if (!next) return; // after the last region the browser's own F6 takes over
  event.preventDefault();
  /** @type {HTMLElement} */ (next.querySelector("[data-first]") ?? next).focus();
}

/** @param {KeyboardEvent} event */
function acceptOldest(event) {
  const oldest = store.offers.peek()[0];
  if (!oldest) return;
  event.preventDefault();
  const writing = document.activeElement?.matches("textarea, input, select") ?? false;
  void actions.accept(oldest, !writing);
}

/** First leaves the text, then the ticket; the text is kept. @param {KeyboardEvent} event */
function escape(event) {
  const active = /** @type {HTMLElement | null} */ (document.activeElement);
  if (active?.closest(".composer")) document.querySelector(/** @type {"h1"} */ (".ticket-title"))?.focus();
  else if (active?.closest(".context") && !matchMedia("(min-width: 1280px)").matches) {
    store.showContext(false);
    store.goTo("thread");
  } else if (active?.closest(".ticket")) {
    /** @type {HTMLElement | null} */ (document.querySelector(".row[aria-current='true'], .row"))?.focus();
  } else return;
  event.preventDefault();
}

/** @param {KeyboardEvent} event */
export function moveInList(event) {
  const rows = /** @type {HTMLElement[]} */ ([.../** @type {Element} */ (event.currentTarget).querySelectorAll("a.row")]);
  const at = rows.indexOf(/** @type {HTMLElement} */ (document.activeElement));
  if (at < 0 || event.isComposing) return;
  /** @type {Record<string, number>} */
  const to = { ArrowDown: at + 1, ArrowUp: at - 1, Home: 0, End: rows.length - 1, PageDown: at + 10, PageUp: at - 10 };
  if (!(event.key in to)) return;
  event.preventDefault();
  rows[Math.min(rows.length - 1, Math.max(0, to[event.key]))]?.focus();
}
