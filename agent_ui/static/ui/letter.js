// @ts-check
import { html } from "htm/preact";
import { useState } from "preact/hooks";
import { filePage, mailPage, picturePage } from "../api.js";
import { has, number, t } from "../i18n.js";
import * as store from "../store.js";
import { Icon } from "./icon.js";

/** Who else got it. A letter to us alone needs no line. @param {{message: Message}} given */
export function Addressees({ message }) {
  const { to, cc, bcc } = message.recipients;
  if (message.direction === "in" && to.length + cc.length < 2) return null;
  if (message.direction === "out" && cc.length + bcc.length === 0) return null;
  const line = (/** @type {string} */ word, /** @type {Addressee[]} */ list) => list.length > 0 && html`<span><b>${word}</b> ${list.map((one, i) => html`${i ? ", " : ""}<bdi title=${one.address}>${one.name || one.address}</bdi>`)}</span>`;
  return html`<p class="addressees">${line(t("composer.to"), to)}${line(t("composer.cc_short"), cc)}${line(t("composer.bcc_short"), bcc)}</p>`;
}

/** @type {Record<string, {icon: string, tone: string}>} */
const TRUST = { pass_aligned: { icon: "check", tone: "ok" }, fail: { icon: "warning", tone: "bad" }, none: { icon: "question", tone: "" }, unknown: { icon: "question", tone: "" } };

/** How far the sender is believed and what is odd about the message, in words. @param {{message: Message}} given */
export function Marks({ message }) {
  const letter = store.channels.value.get(message.channel)?.subjects;
  const trust = message.direction === "in" && letter ? TRUST[message.auth] : null;
  const notes = [...(message.forwarded ? ["forwarded"] : []), ...(message.truncated ? ["truncated"] : []), ...message.signals.filter((signal) => has(`signal.${signal}`))];
  if (!trust && notes.length === 0) return null;
  return html`<ul class="marks">${trust && html`<li class=${trust.tone}><${Icon} name=${trust.icon} size=${14} />${t(`auth.${message.auth}`)}</li>`}
    ${[...new Set(notes)].map((note) => html`<li key=${note} class="note-mark"><${Icon} name="info" size=${14} />${t(`signal.${note}`)}</li>`)}</ul>`;
}

const DOUBT = 0.7;

/** @param {{message: Message}} given */
export function Body({ message }) {
  const [whole, setWhole] = useState(false);
  const [asSent, setAsSent] = useState(false);
  const [pictures, setPictures] = useState(false);
  const text = whole && message.text_full ? message.text_full : message.text;
  const doubt = message.text_full && message.trim_confidence < DOUBT;
  return html`${asSent
    ? html`<iframe class="letter ${message.text.length > 600 ? "long" : ""}" sandbox="" src=${mailPage(message.id, pictures)} title=${t("message.as_sent_title", { name: message.author.name })} loading="lazy"></iframe>`
    : html`<div class="text" dir="auto" lang=${message.language ?? undefined}>${text}</div>`}
    ${(message.text_full || message.html) && html`<p class="more-of">
      ${message.text_full && !asSent && html`<button type="button" class="quiet" aria-expanded=${whole ? "true" : "false"} onClick=${() => setWhole(!whole)}>${whole ? t("message.hide_trimmed") : doubt ? t("message.show_doubted") : t("message.show_trimmed")}</button>`}
      ${message.html && html`<button type="button" class="quiet" aria-pressed=${asSent ? "true" : "false"} onClick=${() => setAsSent(!asSent)}>${t("message.as_sent")}</button>`}
      ${asSent && message.pictures > 0 && !pictures && html`<button type="button" class="quiet" onClick=${() => setPictures(true)}><${Icon} name="picture" size=${14} />${t("message.show_pictures", { n: message.pictures })}</button>`}</p>
      ${asSent && message.pictures > 0 && html`<p class="muted small">${pictures ? t("message.pictures_shown") : t("message.pictures_blocked")}</p>`}`}`;
}

/** @param {{files: AttachedFile[]}} given */
export function Files({ files }) {
  return html`<ul class="files">${files.map((file) => html`<li key=${file.id}><${FileItem} file=${file} /></li>`)}</ul>`;
}

/** @param {{file: AttachedFile}} given */
function FileItem({ file }) {
  const trouble = file.scan === "infected" || file.state === "failed";
  const open = file.state === "stored" && (file.scan === "skipped" || file.scan === "clean");
  const facts = file.state === "pending" ? t("file.pending") : file.state === "failed" ? t("file.failed") : file.scan === "infected" ? t("file.infected") : file.scan === "pending" ? t("file.scanning") : `${kind(file)} · ${size(file.size)}`;
  const about = html`${file.picture ? html`<img class="thumb" src=${picturePage(file.id)} alt="" loading="lazy" width="40" height="40" />` : html`<span class="file-mark ${trouble ? "bad" : ""}"><${Icon} name=${trouble ? "warning" : open ? "clip" : "clock"} size=${18} /></span>`}
    <span class="file-names"><bdi>${file.name || t("file.unnamed")}</bdi><span class=${trouble ? "bad" : "muted"}>${facts}</span></span>`;
  return open ? html`<a class="file" href=${filePage(file.id)} download>${about}</a>` : html`<span class="file shut">${about}</span>`;
}

/** "PDF", "PNG": what people call it, and the whole type where there is no better word. @param {AttachedFile} file */
function kind(file) {
  const ending = file.name.includes(".") ? file.name.split(".").pop() ?? "" : "";
  return ending.length > 0 && ending.length < 6 ? ending.toUpperCase() : file.type;
}

/** @param {number} bytes */
function size(bytes) {
  const big = bytes >= 1048576;
  return number(big ? bytes / 1048576 : Math.max(1, Math.round(bytes / 1024)), { style: "unit", unit: big ? "megabyte" : "kilobyte", maximumFractionDigits: 1 });
}
