// @ts-check
import { html } from "htm/preact";
import { useState } from "preact/hooks";
import * as clock from "../clock.js";
import { age, count, exactTime, number, stopwatch, t, timeOfDay } from "../i18n.js";
import * as store from "../store.js";
import { AgentBoard } from "./board-agents.js";
import { InboxBoard } from "./board-inboxes.js";
import { QueueBoard } from "./board-queues.js";
import { Icon } from "./icon.js";

const OLD_S = 15;

/** @param {{board: Board}} given */
export function Board({ board }) {
  const { totals } = board;
  const ready = board.agents.by_state.ready ?? 0;
  const everyone = Object.values(board.agents.by_state).reduce((sum, n) => sum + n, 0);
  const old = clock.since(board.at) > OLD_S;
  return html`<main class="board ${old ? "old" : ""}" id="figures" tabindex="-1" data-region>
    <div class="board-head"><h1>${t("board.title")}</h1><p class="muted">${t("board.today_since", { time: timeOfDay(board.today_since) })}</p><${Age} board=${board} old=${old} /></div>
    <div class="tiles">
      <${Tile} board=${board} metric="waiting" value=${number(totals.waiting)} about=${t("board.on_offer", { n: totals.on_offer })} />
      <${Tile} board=${board} metric="oldest" value=${totals.oldest_since ? age(clock.since(totals.oldest_since)) : "—"} about=${totals.oldest_since ? t("board.longest") : t("board.nobody")} />
      <${Tile} board=${board} metric="sl30" value=${percent(totals.sl30)} about=${t("board.of_decisions", { hits: totals.sl30.hits, n: totals.sl30.decisions })} tone=${tone(totals.sl30, totals.sl.target_pct)} />
      <${Tile} board=${board} metric="sl" value=${percent(totals.sl)} about=${t("board.of_decisions", { hits: totals.sl.hits, n: totals.sl.decisions })} tone=${tone(totals.sl, totals.sl.target_pct)} />
      <${Tile} board=${board} metric="asa" value=${totals.asa_s === null ? "—" : stopwatch(totals.asa_s)} about=${t("board.asa")} />
      <${Tile} board=${board} metric="answered_today" value=${number(totals.answered_today)} about=${t("board.offered", { n: totals.offered_today })} />
      <${Tile} board=${board} metric="abandoned_today" value=${number(totals.abandoned_today)} about=${t("board.abandoned")} />
      <${Tile} board=${board} metric="agents" value=${number(ready)} about=${t("board.ready_of", { n: everyone })} />
    </div>
    <${QueueBoard} queues=${board.queues} /><${AgentBoard} agents=${board.agents} /><${InboxBoard} /><${Formulas} formulas=${board.formulas} />
  </main>`;
}

/** @param {{board: Board, old: boolean}} given */
function Age({ board, old }) {
  const live = store.connection.value.state === "live" && !old;
  return html`<p class="age ${live ? "live" : "old"}"><span>${t("board.as_of", { time: exactTime(board.at) })}</span>
    <span class="dot ${live ? "ready" : "offline"}" aria-hidden="true"></span><span>${live ? t("board.live") : t("board.not_live")}</span></p>`;
}

/** No decisions is not 0 %: it is a dash. @param {Ratio} ratio */
export const percent = (ratio) => (ratio.pct === null || ratio.decisions === 0 ? "—" : number(ratio.pct / 100, { style: "percent", maximumFractionDigits: 0 }));

/** @param {Ratio} ratio @param {number | undefined} target */
export const tone = (ratio, target) => (ratio.pct === null || ratio.decisions === 0 || target === undefined ? "" : ratio.pct >= target ? "ok" : "bad");

/** The same figure goes by these names in the list of formulas. @type {Record<string, string[]>} */
const NAMES = { oldest: ["oldest", "oldest_wait", "oldest_since"], sl: ["sl", "service_level"], sl30: ["sl30", "service_level_30", "sl", "service_level"],
  asa: ["asa", "asa_s"], answered_today: ["answered_today", "answered"], abandoned_today: ["abandoned_today", "abandoned"], agents: ["agents", "by_state", "ready", "states"] };

/** @param {{board: Board, metric: string, value: string, about: string, tone?: string}} given */
function Tile({ board, metric, value, about, tone: colour = "" }) {
  const [open, setOpen] = useState(false);
  const name = (NAMES[metric] ?? [metric]).find((key) => key in board.formulas);
  const formula = name && board.formulas[name];
  return html`<section class="tile ${colour}" aria-labelledby="tile-${metric}">
    <div class="tile-head"><h2 id="tile-${metric}">${t(`metric.${metric}`)}</h2>
      ${formula && html`<button type="button" class="quiet formula" aria-expanded=${open ? "true" : "false"} aria-controls="formula-${metric}" onClick=${() => setOpen(!open)}>
        <${Icon} name="info" /><span class="hidden">${t("board.how", { metric: t(`metric.${metric}`) })}</span></button>`}</div>
    <p class="tile-value">${value}</p><p class="tile-about">${about}${colour === "bad" && html`<span class="tile-flag">${t("board.under_target")}</span>`}</p>
    <p class="tile-formula" id="formula-${metric}" hidden=${!open}>${formula}</p>
  </section>`;
}

/** @param {{formulas: Record<string, string>}} given */
function Formulas({ formulas }) {
  return html`<details class="formulas"><summary>${t("board.formulas", { n: count(Object.keys(formulas).length) })}</summary>
    <dl>${Object.entries(formulas).map(([metric, sentence]) => html`<div key=${metric}><dt>${t(`metric.${metric}`)}</dt><dd>${sentence}</dd></div>`)}</dl></details>`;
}
