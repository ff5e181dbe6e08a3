// @ts-check
import { html } from "htm/preact";
import { useEffect, useState } from "preact/hooks";
import * as actions from "../actions.js";
import * as api from "../api.js";
import * as clock from "../clock.js";
import { dayAndTime, number, t, when } from "../i18n.js";
import * as store from "../store.js";
import { Icon, channelIcon } from "./icon.js";

const LOOK_MS = 30000;
const SOON_S = 7 * 86400;

/** Our own addresses: whether what people send us still comes in. */
export function InboxBoard() {
  const [rows, setRows] = useState(/** @type {InboxHealth[] | "error" | null} */ (null));
  const load = () => api.inboxes().then(setRows, () => setRows((before) => (Array.isArray(before) ? before : "error")));
  useEffect(() => {
    void load();
    const timer = setInterval(load, LOOK_MS);
    return () => clearInterval(timer);
  }, []);
  return html`<section class="panel" aria-labelledby="inboxes-heading"><h2 id="inboxes-heading">${t("inboxes.title")}</h2>
    ${rows === null && html`<p class="muted">${t("thread.loading")}</p>`}
    ${rows === "error" && html`<div class="inline-error"><p>${t("inboxes.error")}</p><button type="button" onClick=${load}>${t("again")}</button></div>`}
    ${Array.isArray(rows) && rows.length === 0 && html`<p class="muted">${t("inboxes.none")}</p>`}
    ${Array.isArray(rows) && rows.length > 0 && html`<${InboxTable} rows=${rows} load=${load} />`}</section>`;
}

/** @param {{rows: InboxHealth[], load: () => void}} given */
function InboxTable({ rows, load }) {
  const tests = rows.some((row) => row.can.includes("test:inbox"));
  const heads = ["state", "last", "backlog", "token", "gaps"];
  return html`<div class="table-scroll" tabindex="0" role="group" aria-labelledby="inboxes-heading"><table class="figures inboxes" role="table"><thead role="rowgroup"><tr role="row">
    <th scope="col" role="columnheader">${t("inboxes.address")}</th>${heads.map((head) => html`<th scope="col" role="columnheader" key=${head} class=${head === "backlog" || head === "gaps" ? "n" : ""}>${t(`inboxes.${head}`)}</th>`)}${tests && html`<th scope="col" role="columnheader">${t("inboxes.test")}</th>`}</tr></thead>
    <tbody role="rowgroup">${rows.map((row) => html`<${InboxLine} key=${row.slug} row=${row} tests=${tests} load=${load} />`)}</tbody></table></div>`;
}

/** @param {{row: InboxHealth, tests: boolean, load: () => void}} given */
function InboxLine({ row, tests, load }) {
  const cell = (/** @type {string} */ head, /** @type {any} */ value, kind = "") => html`<td role="cell" class=${kind} data-label=${t(`inboxes.${head}`)}>${value}</td>`;
  // Where nobody looks by ourselves, the newest message is the newest proof; under a problem it would be no success.
  const last = row.ok_at ?? (row.problem || row.watched ? null : row.last_message_at);
  return html`<tr role="row"><th scope="row" role="rowheader"><span class="queue-name"><${Icon} name=${channelIcon(store.channels.value.get(row.channel))} /><span><b>${row.name}</b> <bdi dir="ltr">${row.shown}</bdi><br /><span class="muted">${t(`channel.${row.channel}`)} · ${row.queue}</span></span></span></th>
    ${cell("state", row.problem ? html`<span class="health bad"><${Icon} name="warning" /><span>${row.problem}${row.problem_since && html` <span class="muted">${t("inboxes.since", { time: when(row.problem_since, clock.now.peek()) })}</span>`}</span></span>` : html`<span class="health ok"><${Icon} name="check" />${t("inboxes.well")}</span>`, "wrap")}
    ${cell("last", last ? when(last, clock.now.peek()) : "—", last ? "" : "faint")}
    ${cell("backlog", row.backlog === null ? "—" : number(row.backlog), `n ${row.backlog ? "strong" : "faint"}`)}
    ${cell("token", row.token_until ? html`<span class=${clock.until(row.token_until) < SOON_S ? "bad" : ""}>${dayAndTime(row.token_until)}</span>` : "—", row.token_until ? "" : "faint")}
    ${cell("gaps", number(row.gaps), `n ${row.gaps ? "strong" : "faint"}`)}
    ${tests && cell("test", html`<${TestButton} row=${row} load=${load} />`)}</tr>`;
}

/** @param {{row: InboxHealth, load: () => void}} given */
function TestButton({ row, load }) {
  const [busy, setBusy] = useState(false);
  if (!row.can.includes("test:inbox")) return "—";
  const look = async () => {
    if (busy) return;
    setBusy(true);
    try {
      const { problem } = await api.testInbox(row.slug);
      store.notify(problem ? t("inboxes.test_bad", { name: row.name, problem }) : t("inboxes.test_ok", { name: row.name }), problem ? "bad" : "ok");
    } catch (error) {
      store.notify(actions.sentence(error), "bad");
    }
    setBusy(false);
    load();
  };
  return html`<button type="button" aria-disabled=${busy ? "true" : undefined} onClick=${look}>${busy ? t("inboxes.testing") : t("inboxes.test")}<span class="hidden"> ${row.name} ${row.shown}</span></button>`;
}
