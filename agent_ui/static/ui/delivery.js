// @ts-check
import { html } from "htm/preact";
import { useState } from "preact/hooks";
import * as actions from "../actions.js";
import * as clock from "../clock.js";
import * as drafts from "../drafts.js";
import { has, t, when } from "../i18n.js";
import { Icon } from "./icon.js";

const TROUBLE = ["undelivered", "failed", "unknown", "canceled"];
/** Nobody was sure whether these arrived: there is nothing to learn from them yet. */
const LOST = ["undelivered", "failed", "canceled"];

/** @param {Delivery | null} delivery */
export const isTakenBack = (delivery) => delivery?.state === "canceled" && !delivery.error;

/** What became of it. The word is what counts, the mark repeats it. @param {{message: Message, delivery: Delivery, ways: Way[]}} given */
export function DeliveryLine({ message, delivery, ways }) {
  if (isTakenBack(delivery)) return html`<p class="delivery"><${Icon} name="undo" size=${14} /><span>${t("undo.taken_back")}</span></p>`;
  if (delivery.undo_until) return html`<${Undo} message=${message} until=${delivery.undo_until} />`;
  const trouble = TROUBLE.includes(delivery.state);
  return html`<p class="delivery ${trouble ? "bad" : delivery.word}"><${Icon} name=${mark(delivery, trouble)} size=${14} /><span>${words(delivery)}</span>
      ${delivery.maybe_duplicate && html`<span>· ${t("delivery.maybe_duplicate")}</span>`}</p>
    ${delivery.copies.length > 0 && html`<${Copies} copies=${delivery.copies} />`}
    ${LOST.includes(delivery.state) && html`<${Failed} message=${message} delivery=${delivery} ways=${ways} />`}`;
}

/** @param {Delivery} delivery @param {boolean} trouble */
function mark(delivery, trouble) {
  if (trouble) return "warning";
  if (["delivered", "read"].includes(delivery.state)) return "checks";
  return delivery.state === "sent" && !delivery.delayed_at ? "check" : "clock";
}

/** @param {Delivery} delivery */
function words(delivery) {
  const now = clock.now.peek();
  if (delivery.state === "queued" && delivery.retry_at) return t("delivery.trying", { next: when(delivery.retry_at, now), until: when(delivery.until, now) });
  if (delivery.state === "sent" && delivery.delayed_at) return t("delivery.delayed", { since: when(delivery.delayed_at, now) });
  return delivery.error ? `${t(`delivery.${delivery.word}`)}: ${t(`refused.${delivery.error.kind}`)}` : t(`delivery.${delivery.word}`);
}

/** Seconds for the eye alone: a screen reader hears once that it can be stopped. @param {{message: Message, until: string}} given */
function Undo({ message, until }) {
  const [busy, setBusy] = useState(false);
  const left = Math.ceil(clock.until(until));
  const stop = async () => {
    if (busy) return;
    setBusy(true);
    if (!(await actions.undo(message))) setBusy(false);
  };
  if (left <= 0) return html`<p class="delivery"><${Icon} name="clock" size=${14} /><span>${t("delivery.sending")}</span></p>`;
  return html`<p class="delivery undo"><${Icon} name="clock" size=${14} /><span aria-hidden="true">${t("undo.in", { n: left })}</span><span class="hidden">${t("undo.soon")}</span>
    <button type="button" aria-disabled=${busy ? "true" : undefined} onClick=${stop}><${Icon} name="undo" size=${14} />${t("undo.word")}</button></p>`;
}

/** @param {{copies: Copy[]}} given */
function Copies({ copies }) {
  return html`<ul class="copies">${copies.map((copy) => html`<li key=${copy.address} class=${TROUBLE.includes(copy.state) ? "bad" : ""}>${t(`composer.${copy.role}_short`)} <bdi dir="ltr">${copy.address}</bdi>: ${t(`delivery.${copy.word}`)}${copy.error ? ` · ${t(`refused.${copy.error.kind}`)}` : ""}</li>`)}</ul>`;
}

/** Why it did not arrive, what to try, and one click to try it. @param {{message: Message, delivery: Delivery, ways: Way[]}} given */
function Failed({ message, delivery, ways }) {
  const { error } = delivery;
  const others = ways.filter((way) => way.may && !way.warn && !way.claimed && way.id !== delivery.endpoint_id);
  const again = () => drafts.putBack(message.ref, { text: message.text, kind: "reply" });
  return html`<div class="failed">
    ${error && html`<p>${has(`advice.${error.advice}`) ? t(`advice.${error.advice}`) : t("advice.unknown")}</p>`}
    ${error?.text && html`<details><summary>${t("delivery.their_words")}</summary><p dir="auto">${error.code ? `${error.code} · ` : ""}${error.text}</p></details>`}
    <div class="row-of-buttons">${others.map((way) => html`<button type="button" key=${way.id} onClick=${() => actions.resend(message, way)}><${Icon} name="send" size=${14} /><span>${t("resend.by", { channel: t(`channel.${way.channel}`) })} <bdi dir="ltr">${way.shown}</bdi></span></button>`)}
      <button type="button" class="quiet" onClick=${again}>${t("delivery.write_again")}</button></div></div>`;
}
