// @ts-check
import { html } from "htm/preact";
import { useState } from "preact/hooks";
import * as actions from "../actions.js";
import { originalPage } from "../api.js";
import { fullTime, has, languageName, t, timeOfDay } from "../i18n.js";
import * as store from "../store.js";
import { DeliveryLine, isTakenBack } from "./delivery.js";
import { Icon } from "./icon.js";
import { Addressees, Body, Files, Marks } from "./letter.js";
import { Menu } from "./menu.js";

/** @typedef {{message: Message, follows: boolean, renamed: boolean, page: TicketPage}} Shown */

/** @param {Shown} given */
export function MessageItem({ message, follows, renamed, page }) {
  if (message.kind === "line") return html`<li class="line"><span>${lineText(message)}</span> <${Time} at=${message.at} /></li>`;
  const side = message.kind === "note" ? "note" : message.direction === "in" ? "in" : "out";
  const back = isTakenBack(message.delivery);
  return html`<li class="message ${side} ${follows ? "follows" : ""} ${back ? "undone" : ""} ${message.visibility === "held" ? "held" : ""}">
    <${MessageHead} message=${message} />
    ${isMachine(message)
      ? html`<details class="machine"><summary><${Icon} name="gear" size=${14} />${t(`automation.${message.automation}`)}<span class="muted" dir="auto">${firstWords(message)}</span></summary><${Bubble} message=${message} renamed=${true} /></details>`
      : html`<${Bubble} message=${message} renamed=${renamed} />`}
    ${message.visibility === "held" && html`<${Stranger} message=${message} row=${page.ticket} />`}
    ${message.moved_from && html`<p class="moved"><${Icon} name="swap" size=${14} />${t("move.came_from")} <bdi dir="ltr">${message.moved_from}</bdi>
      ${page.ticket.can.includes("transfer:ticket") && html`<button type="button" class="quiet" onClick=${() => actions.moveBack(message.ref, message.id)}>${t("move.put_back")}</button>`}</p>`}
    ${message.delivery && html`<${DeliveryLine} message=${message} delivery=${message.delivery} ways=${page.compose.endpoints} />`}
  </li>`;
}

/** What a machine wrote is folded: it was read once and is seldom read again. @param {Message} message */
const isMachine = (message) => message.direction === "in" && message.automation !== "none" && message.automation !== "unknown";

/** @param {Message} message */
const firstWords = (message) => (message.subject || message.text).split("\n")[0].slice(0, 80);

/** @param {{message: Message}} given */
function MessageHead({ message }) {
  return html`<div class="message-head">${message.kind === "note" && html`<${Icon} name="lock" size=${14} /><b>${t("note.word")}</b> · `}<span class="author"><bdi>${author(message)}</bdi></span>
    <${Time} at=${message.at} />
    ${message.visibility === "held" && html`<span class="badge warn"><${Icon} name="hand" size=${12} />${t("message.held")}</span>`}
    ${message.kind === "message" && message.direction === "in" && html`<${More} message=${message} />`}</div>`;
}

/** @param {Message} message */
function author(message) {
  if (message.author.kind === "staff" && message.author.id === store.me.value?.id) return t("you");
  return message.author.name || t(`author.${message.author.kind}`);
}

/** @param {{at: string}} given */
const Time = ({ at }) => html`<time datetime=${at} title=${fullTime(at)}>${timeOfDay(at)}</time>`;

/** @param {{message: Message}} given */
function More({ message }) {
  const may = store.openTicket.value?.can.includes("transfer:ticket");
  if (!message.original && !may) return null;
  return html`<${Menu} name=${t("message.more_of", { name: author(message) })} label=${html`<${Icon} name="dots" />`} className="more">${(/** @type {() => void} */ close) => html`
    ${message.original && html`<button type="button" class="menu-item" onClick=${() => { close(); store.ask("headers", message); }}>${t("headers.show")}</button>
      <a class="menu-item" href=${originalPage(message.id)} download onClick=${close}>${t("message.original")}</a>`}
    ${may && html`<button type="button" class="menu-item" onClick=${() => { close(); store.ask("move", message); }}>${t("move.to")}</button>`}`}<//>`;
}

/** @param {{message: Message, renamed: boolean}} given */
function Bubble({ message, renamed }) {
  return html`<div class="bubble">
    <${Addressees} message=${message} />
    ${renamed && message.subject && html`<p class="message-subject" dir="auto"><span class="hidden">${t("composer.subject")}: </span>${message.subject}</p>`}
    <${Marks} message=${message} />
    <${Body} message=${message} />
    ${message.files.length > 0 && html`<${Files} files=${message.files} />`}
  </div>`;
}

/** Somebody wrote with the ticket's own answer address, and nobody had asked them in. @param {{message: Message, row: TicketRow}} given */
function Stranger({ message, row }) {
  const [left, leave] = useState(false);
  if (left || !row.can.includes("reply:ticket")) return null;
  return html`<section class="stranger" aria-label=${t("held.label")}>
    <p><${Icon} name="warning" /><span>${t("held.why", { who: named(message) })}</span></p>
    <p class="muted">${t("held.hint")}</p>
    <div class="row-of-buttons"><button type="button" class="primary" onClick=${() => actions.letIn(message)}>${t("held.accept")}</button>
      <button type="button" onClick=${() => leave(true)}>${t("held.leave")}</button></div></section>`;
}

/** Name and address, kept apart from the sentence around them in both writing directions. @param {Message} message */
function named({ author: { name, address } }) {
  return `\u2068${name && address && name !== address ? `${name} <${address}>` : name || address}\u2069`;
}

/** Reasons inside a system line are keys of their own. @param {Message} message */
export function lineText(message) {
  if (!message.line) return message.text;
  const { key, params } = message.line;
  /** @type {Params} */
  const spoken = { ...params, n: params.count ?? params.n };
  if (typeof params.reason === "string") spoken.reason = t(`closure.${params.reason}`);
  if (typeof params.language === "string") spoken.language = languageName(params.language);
  if (typeof params.why === "string" && has(`why.${params.why}`)) spoken.why = t(`why.${params.why}`);
  if (typeof params.state === "string") spoken.state = t(`consent.${params.state}`);
  if (key === "delivery_failed" && has(`refused.${params.kind}`) && params.kind !== "unknown") spoken.text = t(`refused.${params.kind}`);
  if (typeof params.channel === "string") spoken.channel = t(`channel.${params.channel}`);
  return has(`line.${key}`) ? t(`line.${key}`, spoken) : message.text || t(`line.${key}`, spoken);
}
