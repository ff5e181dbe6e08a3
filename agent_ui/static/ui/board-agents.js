// @ts-check
import { html } from "htm/preact";
import * as clock from "../clock.js";
import { age, number, t } from "../i18n.js";

/** Everybody is in exactly one of these. */
const STATES = ["ready", "working", "full", "wrap_up", "finishing", "away", "not_responding", "lost", "offline"];

/** @param {{agents: Board["agents"]}} given */
export function AgentBoard({ agents }) {
  const total = STATES.reduce((sum, state) => sum + (agents.by_state[state] ?? 0), 0);
  const order = (/** @type {BoardAgent} */ a, /** @type {BoardAgent} */ b) => STATES.indexOf(a.state) - STATES.indexOf(b.state) || a.since.localeCompare(b.since);
  return html`<section class="panel" aria-labelledby="agents-heading" id="agents" tabindex="-1" data-region><h2 id="agents-heading">${t("board.agents", { n: total })}</h2>
    <div class="segments-picture" aria-hidden="true">${STATES.filter((state) => agents.by_state[state]).map((state) => html`<i key=${state} class=${state} style=${{ flexGrow: agents.by_state[state] }}></i>`)}</div>
    <ul class="legend">${STATES.map((state) => html`<li key=${state} class=${agents.by_state[state] ? "" : "faint"}><span class="dot ${state}" aria-hidden="true"></span><b>${number(agents.by_state[state] ?? 0)}</b> ${t(`state.${state}`)}</li>`)}</ul>
    <div class="table-scroll" tabindex="0" role="group" aria-labelledby="agents-heading"><table class="figures agents" role="table"><thead role="rowgroup"><tr role="row">${["name", "state", "for", "work", "capacity"].map((column) => html`<th scope="col" role="columnheader" key=${column}>${t(`agents.${column}`)}</th>`)}</tr></thead>
      <tbody role="rowgroup">${[...agents.list].sort(order).map((agent) => html`<${AgentLine} key=${agent.id} agent=${agent} />`)}</tbody></table></div></section>`;
}

/** @param {{agent: BoardAgent}} given */
function AgentLine({ agent }) {
  const used = agent.primary_units + agent.filler_units;
  const work = agent.items.filter((load) => load.items > 0).map((load) => `${number(load.items)} ${t(`channel.${load.channel}`)}`).join(" · ");
  return html`<tr role="row"><th scope="row" role="rowheader">${agent.name}</th>
    <td role="cell" data-label=${t("agents.state")}><span class="dot ${agent.state}" aria-hidden="true"></span> ${t(`state.${agent.state}`)}${agent.away_reason ? ` · ${t(`away.${agent.away_reason}`)}` : ""}</td>
    <td role="cell" data-label=${t("agents.for")} class="tabular">${age(clock.since(agent.since))}</td>
    <td role="cell" data-label=${t("agents.work")}>${work || "—"}</td>
    <td role="cell" data-label=${t("agents.capacity")}><span class="level"><span>${t("capacity.of", { items: used, cap: agent.budget })}</span><span class="meter" aria-hidden="true"><i style=${{ inlineSize: `${Math.min(100, agent.budget ? (used / agent.budget) * 100 : 0)}%` }}></i></span></span></td></tr>`;
}
