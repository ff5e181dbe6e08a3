// @ts-check
import { html } from "htm/preact";
import * as actions from "../actions.js";
import * as clock from "../clock.js";
import { has, t, timeOfDay } from "../i18n.js";
import * as store from "../store.js";
import { Icon } from "./icon.js";

/** What the desk does not decide by itself: to which matter this belongs. @param {{page: TicketPage}} given */
export function Matters({ page }) {
  const row = store.openTicket.value ?? page.ticket;
  const { question, maybe } = row;
  if (!question && !maybe && !row.quiet && !row.linked) return null;
  const may = row.can.includes("transfer:ticket");
  const ids = theirs(page);
  const told = [row.quiet, row.linked, maybe, question].filter(Boolean).length;
  const notices = html`${row.quiet && html`<p class="matter warn"><${Icon} name="warning" /><span>${t("matters.quiet")}</span></p>`}
    ${row.linked && html`<p class="matter"><${Icon} name="swap" /><span>${t("matters.linked")} <${Link} to=${row.linked} /></span></p>`}
    ${maybe && html`<div class="matter"><${Icon} name="question" /><span>${t("matters.maybe")} <bdi dir="ltr">${maybe.ref}</bdi>${maybe.why && has(`maybe.${maybe.why}`) ? `: ${t(`maybe.${maybe.why}`)}` : "."}</span>
      <span class="matter-buttons"><${Link} to=${maybe.ref} word=${t("matters.open")} />${may && ids.length > 0 && html`<button type="button" onClick=${() => actions.move(row.ref, ids, maybe.ref)}>${t("matters.move_there", { n: ids.length })}</button>`}</span></div>`}
    ${question && html`<${Asked} row=${row} question=${question} ids=${may ? ids : []} />`}`;
  // On a phone several of them would leave no room for the answer: one line, opened on request.
  return html`<section class="matters" aria-label=${t("matters.label")}>${told > 1 && store.narrow.value
    ? html`<details><summary><${Icon} name="warning" size=${14} />${t("matters.folded", { n: told })}</summary>${notices}</details>` : notices}</section>`;
}

/** @param {TicketPage} page */
const theirs = (page) => page.messages.filter((message) => message.direction === "in" && message.visibility !== "held").map((message) => message.id);

/** @param {{to: string, word?: string}} given */
function Link({ to, word = "" }) {
  const go = (/** @type {MouseEvent} */ event) => {
    if (event.ctrlKey || event.metaKey || event.shiftKey) return;
    event.preventDefault();
    actions.open(to);
  };
  return html`<a class=${word ? "button" : ""} href="/agent/t/${to}" onClick=${go}>${word || html`<bdi dir="ltr">${to}</bdi>`}</a>`;
}

/** @param {{row: TicketRow, question: Question, ids: string[]}} given */
function Asked({ row, question, ids }) {
  const waits = clock.until(question.expires_at) > 0;
  return html`<div class="matter asked"><${Icon} name="question" /><div><p><b>${waits ? t("asked.waiting", { time: timeOfDay(question.expires_at) }) : t("asked.late")}</b></p>
    <ol class="asked-choices">${question.choices.map((choice) => html`<li key=${choice.number}><span><span class="asked-number">${choice.number}</span> <bdi>${choice.label}</bdi>${choice.ref && html` <bdi class="muted" dir="ltr">${choice.ref}</bdi>`}</span>
      ${ids.length > 0 && html`<button type="button" onClick=${() => actions.move(row.ref, ids, choice.ref)}>${choice.ref ? t("asked.move") : t("asked.new")}<span class="hidden"> ${choice.label}</span></button>`}</li>`)}</ol></div></div>`;
}
