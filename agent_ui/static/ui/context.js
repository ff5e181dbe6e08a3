// @ts-check
import { html } from "htm/preact";
import { useEffect, useState } from "preact/hooks";
import * as actions from "../actions.js";
import * as api from "../api.js";
import { dayAndTime, languageName, t } from "../i18n.js";
import { owner } from "../reducers.js";
import * as store from "../store.js";
import { Icon, channelIcon } from "./icon.js";

/** Who this is, how they can be reached, what else they have with us, and why this agent. @param {{page: TicketPage}} given */
export function Context({ page }) {
  if (!store.contextShown.value) return null;
  const { contact } = page;
  const row = store.openTicket.value ?? page.ticket;
  const close = () => { store.showContext(false); store.goTo("thread"); };
  return html`<aside class="context" aria-labelledby="context-heading" data-region tabindex="-1">
    <div class="context-head"><h2 id="context-heading"><bdi>${contact.name || row.address}</bdi></h2>
      <button type="button" class="quiet context-close" onClick=${close}><${Icon} name="cross" /><span class="hidden">${t("context.close")}</span></button></div>
    ${contact.language && html`<p class="muted">${t("contact.prefers", { language: languageName(contact.language) })}</p>`}
    ${row.unservable && html`<p><span class="badge bad">${t("row.unservable")}</span></p>`}
    ${row.vulnerable && html`<p><span class="badge info">${t("row.vulnerable")}</span></p>`}
    ${!owner(row) && row.status !== "closed" && html`<${StillWaiting} row=${row} />`}
    ${page.because && html`<section class="card"><h3>${whyHeading(row)}</h3><p>${page.because}</p></section>`}
    ${row.closure && html`<section class="card"><h3>${t(`closure.${row.closure.reason}`)}</h3><p dir="auto">${row.closure.sentence}</p></section>`}
    <section><h3>${t("context.reach")}</h3><ul class="endpoints">${contact.endpoints.map((endpoint) => html`<${EndpointItem} key=${endpoint.id} endpoint=${endpoint} />`)}</ul></section>
    <${OtherTickets} tickets=${contact.tickets} current=${row.ref} />
  </aside>`;
}

/** @param {TicketRow} row */
function whyHeading(row) {
  const name = row.owner?.name;
  return !name || row.owner?.id === store.me.value?.id ? t("context.why_you") : t("context.why_owner", { name });
}

/** @param {{endpoint: Endpoint}} given */
function EndpointItem({ endpoint }) {
  return html`<li><span class="endpoint"><bdi dir="ltr">${endpoint.shown}</bdi><span class="hidden">, ${t(`endpoint.${endpoint.kind}`)}</span></span>
    <span class="badges"><span class="badge">${t(`proof.${endpoint.proof}`)}</span>
      <span class="badge ${endpoint.consent === "revoked" ? "bad" : endpoint.consent === "given" ? "ok" : ""}">${t(`consent.${endpoint.consent}`)}</span>
      ${endpoint.bad && html`<span class="badge bad">${t("endpoint.bad")}</span>`}</span></li>`;
}

/** @param {{row: TicketRow}} given */
function StillWaiting({ row }) {
  const [answer, setAnswer] = useState(/** @type {Waiting | null} */ (null));
  useEffect(() => {
    let wanted = true;
    api.waiting(row.ref).then((waiting) => wanted && setAnswer(waiting), () => wanted && setAnswer(null));
    return () => { wanted = false; };
  }, [row.ref, row.v]);
  if (!answer || !answer.sentence) return null; // held back: it waits for the person, and for no colleague
  return html`<section class="card"><h3>${t("context.why_waiting")}</h3><p>${answer.sentence}</p>
    ${!!answer.position && html`<p class="muted">${t("context.position", { position: answer.position, of: answer.of })}</p>`}
    ${answer.expected && html`<p>${answer.expected.sentence}</p>`}
    <ul class="eligible">${Object.entries(answer.eligible).map(([group, n]) => html`<li key=${group}><b>${n}</b> ${t(`eligible.${group}`)}</li>`)}</ul>
    ${answer.people.length > 0 && html`<details><summary>${t("context.why_not")}</summary>
      <ul class="why-not">${answer.people.map(({ id, sentence }) => html`<li key=${id}>${sentence}</li>`)}</ul></details>`}</section>`;
}

/** @param {{tickets: TicketRow[], current: string}} given */
function OtherTickets({ tickets, current }) {
  const others = tickets.filter((row) => row.ref !== current);
  return html`<section><h3>${t("context.history", { n: others.length })}</h3>
    ${others.length === 0 && html`<p class="muted">${t("context.no_history")}</p>`}
    <ul class="others">${others.map((known) => html`<${Other} key=${known.ref} row=${store.tickets.value.get(known.ref) ?? known} />`)}</ul></section>`;
}

/** @param {{row: TicketRow}} given */
function Other({ row }) {
  const go = (/** @type {MouseEvent} */ event) => {
    if (event.ctrlKey || event.metaKey || event.shiftKey) return;
    event.preventDefault();
    actions.open(row.ref);
  };
  return html`<li><a href="/agent/t/${row.ref}" onClick=${go}><${Icon} name=${channelIcon(store.channels.value.get(row.channel))} size=${14} />
    <span class="hidden">${t(`channel.${row.channel}`)}</span><span class="other-subject" dir="auto">${row.subject || row.preview}</span></a>
    <span class="muted">${t(`status.${row.status}`)} · ${dayAndTime(row.updated_at)}</span></li>`;
}
