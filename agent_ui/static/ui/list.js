// @ts-check
import { html } from "htm/preact";
import { useState } from "preact/hooks";
import * as actions from "../actions.js";
import { exactTime, t } from "../i18n.js";
import { moveInList } from "../keyboard.js";
import { owner } from "../reducers.js";
import * as store from "../store.js";
import { Icon, channelIcon } from "./icon.js";
import { DueBadge, WaitingClock } from "./waiting.js";

const DRAWN = 60;

export function TicketList() {
  const view = store.view.value;
  const state = store.lists.value[view];
  const rows = store.rows.value;
  const [drawn, setDrawn] = useState(DRAWN);
  const lost = store.connection.value.state === "lost";
  return html`<section class="list" aria-labelledby="list-heading" data-region tabindex="-1" id="list">
    <div class="list-head"><h2 id="list-heading">${t(`view.${view}`)}</h2>
      <span class="muted">${lost ? t("list.as_of", { time: exactTime(store.connection.value.good) }) : t("list.order")}</span></div>
    ${state.status === "error" && html`<div class="inline-error"><p>${t("list.error")}</p>
      <button type="button" onClick=${() => actions.loadView(view, null)}>${t("again")}</button></div>`}
    <ul class="rows ${lost || state.status === "error" ? "stale" : ""}" onKeyDown=${moveInList}>
      ${rows.slice(0, drawn).map((row) => html`<li key=${row.ref}><${Row} row=${row} shared=${view !== "mine"} /></li>`)}
    </ul>
    <${Foot} state=${state} shown=${Math.min(drawn, rows.length)} total=${rows.length} more=${() => {
      if (drawn < rows.length) setDrawn(drawn + DRAWN);
      else void actions.loadView(view, state.next).then(() => setDrawn(drawn + DRAWN));
    }} />
  </section>`;
}

/** @param {{state: ListState, shown: number, total: number, more: () => void}} given */
function Foot({ state, shown, total, more }) {
  if (state.status === "loading" && total === 0) return html`<div class="skeleton rows-skeleton" aria-hidden="true">${Array.from({ length: 8 }, () => html`<i></i>`)}</div>`;
  if (total === 0) return state.status === "ready" && html`<div class="empty-list"><${Icon} name="check" size=${28} /><p>${t(`list.empty.${store.view.value}`)}</p></div>`;
  if (shown < total || state.next) return html`<p class="list-foot"><button type="button" onClick=${more}>${t("list.more")}</button></p>`;
  return html`<p class="list-foot muted">${t("list.end", { n: total })}</p>`;
}

/** @param {{row: TicketRow, shared: boolean}} given */
function Row({ row, shared }) {
  const open = store.openRef.value === row.ref;
  const go = (/** @type {MouseEvent} */ event) => {
    if (event.ctrlKey || event.metaKey || event.shiftKey || event.button !== 0) return;
    event.preventDefault();
    actions.open(row.ref);
  };
  return html`<a class="row" href="/agent/t/${row.ref}" aria-current=${open ? "true" : undefined} onClick=${go}>
    <span class="row-mark ${row.waiting_since ? "on" : ""}" aria-hidden="true"></span>
    <span class="row-top"><span class="row-name"><bdi>${row.contact.name || row.address}</bdi></span>
      <span class="row-channel"><${Icon} name=${channelIcon(store.channels.value.get(row.channel))} size=${14} /><span class="hidden">${t(`channel.${row.channel}`)}</span></span>
      ${row.waiting_since && row.status !== "closed" && html`<${WaitingClock} since=${row.waiting_since} />`}</span>
    <span class="row-subject" dir="auto">${row.subject || row.queue.name}</span>
    <span class="row-preview" dir="auto" lang=${row.language ?? undefined}>${row.preview_from === "citizen" ? "" : html`<span class="muted">${t(`preview.${row.preview_from}`)} </span>`}${row.preview}</span>
    <${Badges} row=${row} shared=${shared} />
  </a>`;
}

/** @param {{row: TicketRow, shared: boolean}} given */
function Badges({ row, shared }) {
  const closed = row.status === "closed";
  return html`<span class="badges">
    ${row.draft && html`<span class="badge draft">${t("row.draft")}</span>`}
    ${row.due_at && !closed && html`<${DueBadge} at=${row.due_at} />`}
    ${row.priority > 2 && html`<span class="badge warn">${t(`priority.${row.priority}`)}</span>`}
    ${row.unservable && html`<span class="badge bad">${t("row.unservable")}</span>`}
    ${row.vulnerable && html`<span class="badge info">${t("row.vulnerable")}</span>`}
    ${!["assigned", "closed"].includes(row.status) && html`<span class="badge">${t(`status.${row.status}`)}</span>`}
    ${closed && row.closure && html`<span class="badge">${t(`closure.${row.closure.reason}`)}</span>`}
    ${shared && html`<span class="badge plain">${owner(row) ? owner(row)?.name : row.queue.name}</span>`}
  </span>`;
}

