// @ts-check
import { html } from "htm/preact";
import { useEffect, useRef, useState } from "preact/hooks";
import * as actions from "../actions.js";
import * as drafts from "../drafts.js";
import { dayAndTime, languageName, t, when } from "../i18n.js";
import { now } from "../clock.js";
import { owner } from "../reducers.js";
import * as store from "../store.js";
import { Composer } from "./composer.js";
import { Context } from "./context.js";
import { Icon, channelIcon } from "./icon.js";
import { Matters } from "./matters.js";
import { Thread } from "./thread.js";
import { DueBadge, WaitingClock } from "./waiting.js";

/** The open ticket: thread, composer and what is known about the person. */
export function Ticket() {
  const ref = /** @type {string} */ (store.openRef.value);
  const open = store.openPage.value;
  const row = store.openTicket.value;
  const title = useRef(/** @type {HTMLElement | null} */ (null));
  // Only an explicit open moves focus; a deep link or a live change never does.
  useEffect(() => { if (store.byHand.peek()) title.current?.focus(); }, [ref]);
  if (open?.status === "missing") return html`<${Nothing} text=${t("ticket.missing")} />`;
  if (open?.status === "error" && !open.page) return html`<${Nothing} text=${t("thread.error")} again=${() => actions.loadPage(ref)} />`;
  return html`<div class="ticket ${store.contextShown.value ? "with-context" : ""}">
    <main class="thread-pane" data-region id="ticket" tabindex="-1">
      <${Head} row=${row} title=${title} />
      ${open?.page ? html`<${Matters} page=${open.page} /><${Thread} key=${ref} open=${open} page=${open.page} /><${Composer} key=${`c${ref}`} page=${open.page} />`
        : html`<div class="skeleton thread-skeleton" aria-hidden="true"><i></i><i></i><i></i></div>`}
    </main>
    ${open?.page && html`<${Context} key=${ref} page=${open.page} />`}
    ${store.dialog.value && row && html`<${Dialogs} row=${row} />`}
  </div>`;
}

/** @param {{text: string, again?: () => void}} given */
function Nothing({ text, again }) {
  return html`<main class="thread-pane nothing" data-region id="ticket" tabindex="-1"><h1 class="ticket-title" tabindex="-1">${text}</h1>
    <div class="row-of-buttons">${again && html`<button type="button" onClick=${again}>${t("again")}</button>`}
    <button type="button" onClick=${actions.backToList}>${t("ticket.back")}</button></div></main>`;
}

/** @param {{row: TicketRow | null, title: {current: HTMLElement | null}}} given */
function Head({ row, title }) {
  if (!row) return html`<div class="ticket-head"><h1 class="ticket-title" tabindex="-1" ref=${title}>${t("ticket.loading")}</h1></div>`;
  const closed = row.status === "closed";
  return html`<div class="ticket-head">
    <button type="button" class="back" onClick=${actions.backToList}><${Icon} name="back" />${t("ticket.back")}</button>
    <div class="ticket-names">
      <h1 class="ticket-title" tabindex="-1" ref=${title} data-first><bdi>${row.contact.name || row.address}</bdi>${" "}
        ${row.subject && html`<span class="ticket-subject" dir="auto">${row.subject}</span>`}</h1>
      <ul class="facts">
        <li><${Reference} value=${row.ref} /></li>
        <li><${Icon} name=${channelIcon(store.channels.value.get(row.channel))} size=${14} />${t(`channel.${row.channel}`)}</li>
        <li>${row.queue.name}</li>
        ${row.language && html`<li>${languageName(row.language)}</li>`}
        <${Holder} row=${row} />
        ${row.waiting_since && !closed && html`<li class="strong">${t("ticket.waits")} <${WaitingClock} since=${row.waiting_since} /></li>`}
        ${row.due_at && !closed && html`<li><${DueBadge} at=${row.due_at} /></li>`}
        ${row.promised_at && html`<li>${t("ticket.promised", { time: when(row.promised_at, now.peek()) })}</li>`}
        ${closed && row.closure && html`<li><span class="badge">${t("ticket.closed_at", { time: dayAndTime(row.closure.at) })}</span></li>`}
      </ul>
    </div>
    <${Buttons} row=${row} />
  </div>`;
}

/** Whose it is; "waiting" is said by the clock beside it. @param {{row: TicketRow}} given */
function Holder({ row }) {
  if (!owner(row)) return row.status === "queued" && row.waiting_since ? null : html`<li>${t(`status.${row.status}`)}</li>`;
  return html`<li>${t("ticket.owner", { name: owner(row)?.id === store.me.value?.id ? t("you") : owner(row)?.name })}</li>`;
}

/** @param {{value: string}} given */
function Reference({ value }) {
  const copy = async () => {
    await navigator.clipboard.writeText(value);
    store.notify(t("ticket.copied", { ref: value }), "ok");
  };
  return html`<button type="button" class="quiet reference" onClick=${copy}><span class="hidden">${t("ticket.copy")} </span><bdi dir="ltr">${value}</bdi><${Icon} name="copy" size=${14} /></button>`;
}

/** @param {{row: TicketRow}} given */
function Buttons({ row }) {
  const may = (/** @type {string} */ verb) => row.can.includes(`${verb}:ticket`);
  const live = store.connection.value.state !== "lost";
  const closed = row.status === "closed";
  const button = (/** @type {string} */ word, /** @type {string} */ icon, /** @type {() => void} */ act, kind = "") => html`<button type="button"
    class=${kind} aria-disabled=${live ? undefined : "true"} title=${live ? undefined : t("needs_connection")} onClick=${() => live && act()}><${Icon} name=${icon} />${t(word)}</button>`;
  return html`<div class="ticket-buttons">
    ${!owner(row) && !closed && may("claim") && button("ticket.take", "hand", () => actions.take(row.ref), "primary")}
    ${!closed && may("resolve") && button("ticket.close", "check", () => store.ask("closure"))}
    ${!closed && may("transfer") && button("ticket.transfer", "swap", () => store.ask("transfer"))}
    ${closed && (may("reopen") || may("resolve")) && button("ticket.reopen", "undo", () => store.ask("reopen"))}
    <button type="button" class="toggle-context" aria-expanded=${store.contextShown.value ? "true" : "false"}
      onClick=${() => { store.showContext(!store.contextShown.peek()); store.goTo(store.contextShown.peek() ? "context" : "thread"); }}><${Icon} name="panel" />${t("context.title")}</button>
  </div>`;
}

/** @param {{row: TicketRow}} given */
function Dialogs({ row }) {
  const [part, setPart] = useState(/** @type {any} */ (null));
  useEffect(() => { void import("./dialogs.js").then((loaded) => setPart(() => loaded.TicketDialog)); }, []);
  return part && html`<${part} key=${store.dialog.value} row=${row} name=${store.dialog.value} about=${store.dialogAbout.value} draft=${drafts.of(row.ref).text} />`;
}
