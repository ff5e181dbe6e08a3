// @ts-check
import { html } from "htm/preact";
import * as clock from "../clock.js";
import { long, short, t } from "../i18n.js";

/** Ticks for the eye, says whole words to a screen reader, and is never a live region. @param {{since: string}} given */
export function WaitingClock({ since }) {
  const seconds = clock.since(since);
  return html`<span class="wait"><span aria-hidden="true">${short(seconds)}</span><span class="hidden">${t("row.waiting", { time: long(seconds) })}</span></span>`;
}

/** "due in 4 min", "late 12 min": the word carries it, the colour repeats it. @param {{at: string}} given */
export function DueBadge({ at }) {
  const left = clock.until(at);
  const late = clock.since(at);
  if (left <= 0) return html`<span class="badge bad">${t("row.late", { time: short(late) })}</span>`;
  return html`<span class="badge ${left < 600 ? "warn" : ""}">${t("row.due", { time: short(left) })}</span>`;
}
