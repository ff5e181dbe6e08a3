// @ts-check
import { html } from "htm/preact";
import { refusal } from "../actions.js";
import { t } from "../i18n.js";
import * as outbox from "../outbox.js";
import * as store from "../store.js";
import { Icon } from "./icon.js";
import { lineText } from "./message.js";

/** A bubble that the server has not confirmed. A failed bubble stays a bubble. @param {{unsent: Unsent}} given */
export function UnsentItem({ unsent }) {
  const failed = unsent.state === "failed";
  const why = unsent.problem ? refusal(unsent.problem) : "";
  return html`<li class="message ${unsent.kind === "note" ? "note" : "out"} unsent">
    <p class="message-head">${unsent.kind === "note" && html`<${Icon} name="lock" size=${14} /><b>${t("note.word")}</b> · `}<span class="author">${t("you")}</span></p>
    <div class="bubble"><div class="text" dir="auto">${unsent.text}</div></div>
    <p class="delivery ${failed ? "bad" : ""}"><${Icon} name=${failed ? "warning" : "clock"} size=${14} /><span>${t(`unsent.${unsent.state}`)}${why && ` · ${why}`}</span></p>
    ${failed && html`<p class="row-of-buttons">
      <button type="button" onClick=${() => outbox.retry(unsent)}>${t("unsent.retry")}</button>
      <button type="button" onClick=${() => outbox.edit(unsent)}>${t("unsent.edit")}</button>
      <button type="button" onClick=${() => navigator.clipboard.writeText(unsent.text)}>${t("unsent.copy")}</button>
      <button type="button" onClick=${() => outbox.drop(unsent)}>${t("unsent.delete")}</button></p>`}
  </li>`;
}

/** Something happened between reading and sending: both texts, and the person decides. @param {{unsent: Unsent, page: TicketPage}} given */
export function Conflict({ unsent, page }) {
  const changes = unsent.problem?.changes ?? [];
  const why = unsent.problem?.why ?? "colleague_replied";
  const seen = Math.max(page.messages.at(-1)?.seq ?? 0, ...changes.map((message) => message.seq));
  const mayInsist = why !== "closed" && why !== "transferred";
  return html`<section class="conflict" aria-labelledby="conflict-heading">
    <h2 id="conflict-heading"><${Icon} name="warning" />${t(`conflict.${why}`)}</h2>
    <div class="conflict-sides">
      <div><h3>${t("conflict.new")}</h3><ul>${changes.map((message) => html`<li key=${message.id}><b>${message.author.name || t(`author.${message.author.kind}`)}</b><div class="text" dir="auto">${message.kind === "line" ? lineText(message) : message.text}</div></li>`)}
        ${changes.length === 0 && html`<li>${unsent.problem?.detail}</li>`}</ul></div>
      <div><h3>${t("conflict.yours")}</h3><div class="text" dir="auto">${unsent.text}</div></div>
    </div>
    <div class="row-of-buttons">
      ${mayInsist && html`<button type="button" onClick=${() => outbox.sendAnyway(unsent, seen)}>${t("conflict.send_anyway")}</button>`}
      <button type="button" class="primary" onClick=${() => { outbox.edit(unsent); focusComposer(); }}>${t("conflict.edit")}</button>
      ${store.openTicket.value?.can.includes("note:ticket") && html`<button type="button" onClick=${() => outbox.saveAsNote(unsent, seen)}>${t("conflict.note")}</button>`}
    </div>
  </section>`;
}

const focusComposer = () => requestAnimationFrame(() => document.querySelector("textarea")?.focus());
