// @ts-check
import { html } from "htm/preact";
import { useEffect, useState } from "preact/hooks";
import * as actions from "../actions.js";
import * as clock from "../clock.js";
import { languageName, stopwatch, t } from "../i18n.js";
import * as store from "../store.js";
import { Icon, channelIcon } from "./icon.js";
import { WaitingClock } from "./waiting.js";

/** Always there, collapsed when empty, so that the order of focus never changes. */
export function Offers() {
  const offers = store.offers.value;
  const ended = store.ended.value;
  useEffect(() => {
    if (ended.length === 0) return;
    const timer = setTimeout(() => store.clearEnded(), 3100);
    return () => clearTimeout(timer);
  }, [ended]);
  return html`<section class="offers ${offers.length + ended.length ? "" : "empty"}" aria-labelledby="offers-heading" data-region=${offers.length > 0} tabindex="-1">
    <h2 id="offers-heading" class=${offers.length ? "" : "hidden"}>${t("offers.title", { n: offers.length })}</h2>
    ${offers.map((offer) => html`<${OfferCard} key=${offer.id} offer=${offer} />`)}
    ${ended.map((card) => html`<p key=${card.id} class="offer ended">${card.sentence}</p>`)}
  </section>`;
}

/** @param {{offer: Offer}} given */
function OfferCard({ offer }) {
  const [declining, setDeclining] = useState(false);
  const { ticket } = offer;
  const live = store.connection.value.state === "live";
  return html`<article class="offer" aria-label=${t("offer.label", { name: ticket.contact.name || ticket.address })}>
    <p class="offer-top"><${Icon} name=${channelIcon(store.channels.value.get(ticket.channel))} />
      <span>${t(`channel.${ticket.channel}`)} · ${ticket.queue.name}${ticket.language ? ` · ${languageName(ticket.language)}` : ""}</span></p>
    <p class="offer-name"><bdi>${ticket.contact.name || ticket.address}</bdi>
      ${ticket.waiting_since && html`<${WaitingClock} since=${ticket.waiting_since} />`}</p>
    <p class="offer-preview" dir="auto" lang=${ticket.language ?? undefined}>${ticket.preview}</p>
    <p class="offer-because">${offer.because}</p>
    <${Countdown} offer=${offer} />
    ${live ? html`<div class="offer-buttons">
      <button type="button" class="primary" onClick=${() => actions.accept(offer, true)} aria-keyshortcuts="Control+.">${t("offer.accept")} <kbd>Ctrl .</kbd></button>
      <button type="button" aria-expanded=${declining ? "true" : "false"} onClick=${() => setDeclining(!declining)}>${t("offer.decline")}</button>
    </div>` : html`<p class="offer-because">${t("offer.paused")}</p>`}
    ${declining && live && html`<${DeclineReasons} offer=${offer} />`}
  </article>`;
}

/** @param {{offer: Offer}} given */
function Countdown({ offer }) {
  const left = clock.until(offer.expires_at);
  const whole = (Date.parse(offer.expires_at) - Date.parse(offer.created_at)) / 1000 || 1;
  return html`<div class="countdown ${left < 10 ? "soon" : ""}">
    <div class="countdown-bar" aria-hidden="true"><div style=${{ inlineSize: `${Math.min(100, (left / whole) * 100)}%` }}></div></div>
    <span>${left > 0 ? t("offer.answer_within", { time: stopwatch(left) }) : t("offer.running_out")}</span></div>`;
}

/** @param {{offer: Offer}} given */
function DeclineReasons({ offer }) {
  return html`<fieldset class="offer-reasons"><legend>${t("offer.why_decline")}</legend>
    ${store.reasons.value.refusal.map((reason) => html`<button type="button" key=${reason} onClick=${() => actions.decline(offer, reason)}>${t(`refusal.${reason}`)}</button>`)}
  </fieldset>`;
}
