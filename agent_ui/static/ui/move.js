// @ts-check
import { html } from "htm/preact";
import { useState } from "preact/hooks";
import * as actions from "../actions.js";
import { t } from "../i18n.js";
import * as store from "../store.js";

const OTHER = "other";
const APART = "apart";

/** A message belongs to another matter of the same person, or is one of its own. @param {{row: TicketRow, about: Message | null, close: () => void}} given */
export function MoveForm({ row, about, close }) {
  const [to, setTo] = useState("");
  const [typed, setTyped] = useState("");
  const [missing, setMissing] = useState(false);
  const known = (store.openPage.value?.page?.contact.tickets ?? []).filter((other) => other.ref !== row.ref && other.status !== "cancelled");
  const target = to === OTHER ? typed.trim().toUpperCase() : to;
  const send = (/** @type {Event} */ event) => {
    event.preventDefault();
    if (!about || !target) return setMissing(true);
    void actions.move(row.ref, [about.id], target === APART ? null : target);
  };
  const choice = (/** @type {string} */ value, /** @type {any} */ words) => html`<label key=${value}><input type="radio" name="move-to" checked=${to === value} onChange=${() => setTo(value)} /><span>${words}</span></label>`;
  return html`<form onSubmit=${send} novalidate>
    <fieldset class="choices scroll" aria-describedby=${missing ? "move-missing" : undefined}><legend class="hidden">${t("move.title")}</legend>
      ${known.map((other) => choice(other.ref, html`<b dir="auto">${other.subject || other.preview || other.queue.name}</b><br /><span class="muted"><bdi dir="ltr">${other.ref}</bdi> · ${t(`status.${other.status}`)}</span>`))}
      ${choice(APART, t("move.apart_choice"))}${choice(OTHER, t("move.other"))}</fieldset>
    ${to === OTHER && html`<label class="field"><span>${t("move.reference")}</span><input type="text" dir="ltr" autocomplete="off" spellcheck=${false} value=${typed} onInput=${(/** @type {{target: HTMLInputElement}} */ event) => setTyped(event.target.value)} /></label>`}
    ${missing && !target && html`<p class="field-error" id="move-missing" role="alert">${t("move.missing")}</p>`}
    <div class="row-of-buttons end"><button type="button" onClick=${close}>${t("cancel")}</button><button type="submit" class="primary">${t("move.submit")}</button></div></form>`;
}
