// @ts-check
import { html } from "htm/preact";
import * as clock from "../clock.js";
import { age, long, number, stopwatch, t } from "../i18n.js";
import * as store from "../store.js";
import { percent, tone } from "./board.js";
import { Icon, channelIcon } from "./icon.js";

const COLUMNS = ["waiting", "on_offer", "oldest", "sl30", "sl", "asa", "answered_today", "abandoned_today"];

/** Quiet queues stay listed with zeros. @param {{queues: BoardQueue[]}} given */
export function QueueBoard({ queues }) {
  const lines = queues.flatMap((queue) => queue.channels.map((line) => ({ queue, line })));
  return html`<section class="panel" aria-labelledby="queues-heading"><h2 id="queues-heading">${t("board.queues")}</h2>
    <div class="table-scroll" tabindex="0" role="group" aria-labelledby="queues-heading"><table class="figures" role="table"><thead role="rowgroup"><tr role="row">
      <th scope="col" role="columnheader">${t("board.queue")}</th>${COLUMNS.map((column) => html`<th scope="col" role="columnheader" key=${column} class="n">${t(`metric.${column}`)}</th>`)}</tr></thead>
      <tbody role="rowgroup">${lines.map(({ queue, line }) => html`<${Line} key=${`${queue.slug}/${line.channel}`} queue=${queue} line=${line} />`)}</tbody></table></div>
    ${lines.length === 0 && html`<p class="muted">${t("board.no_queues")}</p>`}</section>`;
}

/** @param {{queue: BoardQueue, line: BoardLine}} given */
function Line({ queue, line }) {
  const cell = (/** @type {string} */ column, /** @type {any} */ value, /** @type {string} */ kind = "") => html`<td role="cell" class="n ${kind}" data-label=${t(`metric.${column}`)}>${value}</td>`;
  return html`<tr role="row"><th scope="row" role="rowheader"><span class="queue-name"><${Icon} name=${channelIcon(store.channels.value.get(line.channel))} />
      <span><b>${queue.name}</b> ${t(`channel.${line.channel}`)}${queue.open ? "" : html` <span class="badge">${t("board.closed")}</span>`}</span></span></th>
    ${cell("waiting", number(line.waiting), line.waiting ? "strong" : "faint")}
    ${cell("on_offer", number(line.on_offer), line.on_offer ? "" : "faint")}
    ${cell("oldest", line.oldest_since ? age(clock.since(line.oldest_since)) : "—", line.oldest_since ? "strong" : "faint")}
    ${cell("sl30", html`<${Level} ratio=${line.sl30} target=${line.sl.target_pct} />`)}
    ${cell("sl", html`<${Level} ratio=${line.sl} target=${line.sl.target_pct} within=${line.sl.threshold_s} />`)}
    ${cell("asa", line.asa_s === null ? "—" : stopwatch(line.asa_s), line.asa_s === null ? "faint" : "")}
    ${cell("answered_today", html`${number(line.answered_today)} <span class="muted">${t("board.offered_short", { n: line.offered_today })}</span>`)}
    ${cell("abandoned_today", number(line.abandoned_today), line.abandoned_today ? "" : "faint")}</tr>`;
}

/** The figure, how many decisions it rests on, and a bar with the target marked. @param {{ratio: Ratio, target?: number, within?: number}} given */
function Level({ ratio, target, within }) {
  const shown = percent(ratio);
  if (shown === "—") return html`<span class="level"><span class="faint">—</span><span class="muted">n 0</span></span>`;
  const colour = tone(ratio, target);
  const title = target === undefined ? undefined : within === undefined ? t("board.target", { pct: target }) : t("board.target_within", { pct: target, time: long(within) });
  return html`<span class="level" title=${title}><b class=${colour}>${shown}${colour === "bad" ? html`<span aria-hidden="true"> ▾</span><span class="hidden"> ${t("board.under_target")}</span>` : ""}</b><span class="muted">n ${number(ratio.decisions)}</span>
    <span class="meter ${colour}" aria-hidden="true"><i style=${{ inlineSize: `${Math.min(100, ratio.pct ?? 0)}%` }}></i>${target !== undefined && html`<u style=${{ insetInlineStart: `${target}%` }}></u>`}</span></span>`;
}
