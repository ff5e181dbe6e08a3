// @ts-check
import { html } from "htm/preact";
import { useState } from "preact/hooks";
import { filePage, mailPage } from "../api.js";
import * as drafts from "../drafts.js";
import { fullTime, has, number, t, timeOfDay } from "../i18n.js";
import * as store from "../store.js";
import { Icon } from "./icon.js";

/** @param {{message: Message, follows: boolean}} given */
export function MessageItem({ message, follows }) {
  if (message.kind === "line") return html`<li class="line"><span>${lineText(message)}</span> <${Time} at=${message.at} /></li>`;
  const note = message.kind === "note";
  const side = note ? "note" : message.direction === "in" ? "in" : "out";
  return html`<li class="message ${side} ${follows ? "follows" : ""}">
    <p class="message-head">${note && html`<${Icon} name="lock" size=${14} /><b>${t("note.word")}</b> · `}<span class="author"><bdi>${author(message)}</bdi></span>
      <${Time} at=${message.at} />
      ${message.visibility === "held" && html`<span class="badge warn">${t("message.held")}</span>`}
      ${message.automation && message.automation !== "none" && html`<span class="badge">${t("message.automatic")}</span>`}</p>
    <div class="bubble">
      ${message.subject && html`<p class="message-subject" dir="auto">${message.subject}</p>`}
      <${Body} message=${message} />
      ${message.files.length > 0 && html`<${Files} files=${message.files} />`}
    </div>
    ${message.delivery && html`<${DeliveryWord} message=${message} delivery=${message.delivery} />`}
  </li>`;
}

/** @param {Message} message */
function author(message) {
  if (message.author.kind === "staff" && message.author.id === store.me.value?.id) return t("you");
  return message.author.name || t(`author.${message.author.kind}`);
}

/** @param {{at: string}} given */
const Time = ({ at }) => html`<time datetime=${at} title=${fullTime(at)}>${timeOfDay(at)}</time>`;

/** Reasons inside a system line are keys of their own. @param {Message} message */
export function lineText(message) {
  if (!message.line) return message.text;
  const { key, params } = message.line;
  /** @type {Params} */
  const spoken = { ...params };
  if (typeof params.reason === "string") spoken.reason = t(`closure.${params.reason}`);
  if (typeof params.why === "string" && has(`why.${params.why}`)) spoken.why = t(`why.${params.why}`);
  return has(`line.${key}`) ? t(`line.${key}`, spoken) : message.text || t(`line.${key}`, spoken);
}

/** @param {{message: Message}} given */
function Body({ message }) {
  const [whole, setWhole] = useState(false);
  const [asSent, setAsSent] = useState(false);
  const text = whole && message.text_full ? message.text_full : message.text;
  return html`${asSent
    ? html`<iframe class="mail" sandbox="" src=${mailPage(message.id)} title=${t("message.as_sent_title", { name: message.author.name })} loading="lazy"></iframe>`
    : html`<div class="text" dir="auto" lang=${message.language ?? undefined}>${text}</div>`}
    ${(message.text_full || message.html) && html`<p class="more-of">
      ${message.text_full && !asSent && html`<button type="button" class="quiet" aria-expanded=${whole ? "true" : "false"} onClick=${() => setWhole(!whole)}>${whole ? t("message.hide_trimmed") : t("message.show_trimmed")}</button>`}
      ${message.html && html`<button type="button" class="quiet" aria-pressed=${asSent ? "true" : "false"} onClick=${() => setAsSent(!asSent)}>${t("message.as_sent")}</button>`}</p>`}`;
}

/** @param {{files: AttachedFile[]}} given */
function Files({ files }) {
  return html`<ul class="files">${files.map((file) => html`<li key=${file.id}><a href=${filePage(file.id)} download><${Icon} name="clip" size=${14} /><bdi>${file.name}</bdi>
    <span class="muted">${number(Math.max(1, Math.round(file.size / 1024)), { style: "unit", unit: "kilobyte" })}</span></a></li>`)}</ul>`;
}

const TROUBLE = ["undelivered", "failed", "unknown", "canceled"];

/** The word is what counts, the mark repeats it. @param {{message: Message, delivery: Delivery}} given */
function DeliveryWord({ message, delivery }) {
  const trouble = TROUBLE.includes(delivery.word);
  const mark = trouble ? "warning" : ["delivered", "read"].includes(delivery.word) ? "checks" : ["sent", "accepted"].includes(delivery.word) ? "check" : "clock";
  const again = () => drafts.putBack(message.ref, { text: message.text, kind: "reply" });
  return html`<p class="delivery ${trouble ? "bad" : delivery.word}"><${Icon} name=${mark} size=${14} /><span>${t(`delivery.${delivery.word}`)}${delivery.error ? ` · ${delivery.error.text || t(`refused.${delivery.error.kind}`)}` : ""}</span>
    ${delivery.maybe_duplicate && html`<span>· ${t("delivery.maybe_duplicate")}</span>`}
    ${trouble && html`<button type="button" class="quiet" onClick=${again}>${t("delivery.write_again")}</button>`}</p>`;
}
