// @ts-check
import { html } from "htm/preact";
import { useEffect, useState } from "preact/hooks";
import { effect } from "@preact/signals";
import * as actions from "./actions.js";
import * as api from "./api.js";
import * as clock from "./clock.js";
import { speak, t, zone } from "./i18n.js";
import { pressed } from "./keyboard.js";
import { draw, remembered, wear } from "./look.js";
import * as socket from "./socket.js";
import * as store from "./store.js";
import { Header } from "./ui/header.js";
import { TicketList } from "./ui/list.js";
import { Nav } from "./ui/nav.js";
import { Announcer, ConnectionBanner, Notices } from "./ui/notices.js";
import { Offers } from "./ui/offers.js";

/** The part that opens with the first ticket; loaded while the list is already usable. */
const ticketPart = () => import("./ui/ticket.js");
const outboxPart = () => import("./outbox.js");
/** Messages that came while the console caught up. */
let missed = 0;

void begin();

async function begin() {
  await speak(remembered().language);
  clock.start();
  addEventListener("keydown", pressed);
  addEventListener("popstate", followAddress);
  draw(html`<${Console} />`);
  if (!(await takeSnapshot())) return;
  followAddress();
  const outbox = await outboxPart();
  outbox.restore();
  socket.start({ onReload: reload, onFresh: freshItems, onCaughtUp: caughtUp, onSignedOut: actions.leave });
  effect(titleTells);
  void ticketPart();
}

async function takeSnapshot() {
  const sentAt = Date.now();
  try {
    const shot = await api.snapshot();
    clock.learn(shot.now, sentAt);
    zone.value = shot.me.agency.timezone;
    if (shot.me.language !== remembered().language || shot.me.theme !== remembered().theme) await wear(shot.me);
    store.tookSnapshot(shot);
    return true;
  } catch (error) {
    const status = error instanceof api.Refused ? error.problem.status : 0;
    if (status === 401) location.replace(`/sign-in?next=${encodeURIComponent(location.pathname)}`);
    else store.setPhase(status === 403 ? "forbidden" : "error");
    return false;
  }
}

function followAddress() {
  const ref = location.pathname.match(/^\/agent\/t\/([^/]+)/)?.[1];
  if (ref) actions.open(decodeURIComponent(ref), false);
  else store.show(null, false);
}

async function reload() {
  await takeSnapshot();
  const ref = store.openRef.peek();
  if (ref) await actions.loadPage(ref);
  if (store.view.peek() === "team" || store.view.peek() === "closed") actions.openView(store.view.peek());
}

/** @param {Item[]} items */
function freshItems(items) {
  if (!socket.isCaughtUp()) missed += items.filter(({ type }) => type === "message.received").length;
  for (const { offer } of items) if (offer) store.say(t("offer.announced", { name: offer.ticket.contact.name || offer.ticket.address }), true);
  for (const { offer_ended } of items) if (offer_ended && offer_ended.result !== "accepted") store.say(t(`offer.ended.${offer_ended.result}`), false);
  const ref = store.openRef.peek();
  // What may be written, and who the person is, hangs on the ticket's state: ask again when that changed.
  if (ref && items.some((item) => item.ref === ref && !item.gone && (!item.message || item.type.startsWith("message.moved") || tellsOfReach(item.message)) && !item.type.startsWith("delivery"))) void actions.loadPage(ref);
}

/** What the desk noted about whom we may write to, and where. @param {Message} message */
const tellsOfReach = ({ line }) => line !== null && ["opted_out", "opted_in", "consent_doubted", "consent_decided", "allowed_elsewhere", "which_matter", "complained", "delivery_failed", "loop_broken"].includes(line.key);

/** @param {boolean} wasAway */
function caughtUp(wasAway) {
  void outboxPart().then((outbox) => outbox.flush());
  if (wasAway) store.notify(missed ? t("connection.back_with", { n: missed }) : t("connection.back"), "ok");
  missed = 0;
}

function titleTells() {
  const waiting = store.offers.value.length;
  const name = (store.openTicket.value?.contact.name || store.openTicket.value?.address) ?? t(`view.${store.view.value}`);
  document.title = `${waiting ? `(${waiting}) ${t("offer.title")} · ` : ""}${name} · ${store.me.value?.agency.name ?? ""}`;
}

async function signOut() {
  const [outbox, drafts] = await Promise.all([outboxPart(), import("./drafts.js")]);
  await api.signOut().catch(() => null); // signed out already, or unreachable: this device forgets either way
  outbox.clearDevice();
  drafts.clearDevice();
  location.assign("/sign-in");
}

function Console() {
  const phase = store.phase.value;
  if (phase === "loading") return html`<main class="app-skeleton skeleton" aria-busy="true"><h1 class="hidden">${t("thread.loading")}</h1><i></i><i></i><i></i></main>`;
  if (phase !== "ready") return html`<${Stopped} phase=${phase} />`;
  const open = store.openRef.value !== null;
  const empty = store.offers.value.length + store.ended.value.length === 0;
  return html`<nav class="skips" aria-label=${t("skip.title")}><a href="#ticket">${t("skip.ticket")}</a><a href="#list">${t("skip.list")}</a>${store.openPage.value?.page && html`<a href="#writing">${t("skip.reply")}</a>`}</nav>
    <${Header} page="console" signOut=${signOut} /><${ConnectionBanner} />
    <div class="desk ${open ? "open" : ""} ${empty ? "" : "offered"}" data-at=${store.region.value}>
      <${Nav} /><div class="work"><${Offers} /><${TicketList} /></div>
      <div class="stage">${open ? html`<${TicketSlot} />` : html`<${NothingOpen} />`}</div>
    </div><${Notices} /><${Announcer} />`;
}

function TicketSlot() {
  const [part, setPart] = useState(/** @type {any} */ (null));
  useEffect(() => { void ticketPart().then((loaded) => setPart(() => loaded.Ticket)); }, []);
  return part ? html`<${part} />` : html`<div class="skeleton thread-skeleton" aria-hidden="true"><i></i><i></i><i></i></div>`;
}

function NothingOpen() {
  return html`<main class="nothing" id="ticket" tabindex="-1"><h1>${t("nothing_open.title")}</h1><p class="muted">${t("nothing_open.hint")}</p></main>`;
}

/** @param {{phase: string}} given */
function Stopped({ phase }) {
  const next = `/sign-in?next=${encodeURIComponent(location.pathname)}`;
  return html`<main class="stopped"><h1>${t(`stopped.${phase}`)}</h1><p>${t(`stopped.${phase}.hint`)}</p>
    ${phase === "signed_out" ? html`<a class="button primary" href=${next}>${t("sign_in.submit")}</a>`
      : html`<button type="button" class="primary" onClick=${() => location.reload()}>${t("again")}</button>`}</main>`;
}
