// @ts-check
import { html } from "htm/preact";
import { useState } from "preact/hooks";
import * as actions from "../actions.js";
import * as drafts from "../drafts.js";
import { t } from "../i18n.js";
import * as store from "../store.js";
import { Icon } from "./icon.js";

/** To whom it goes is always in sight; what a letter has beside that opens on request or when it is used.
 * @param {{page: TicketPage, row: TicketRow, way: Way | undefined, envelope: Envelope}} given */
export function EnvelopeFields({ page, row, way, envelope }) {
  const { compose } = page;
  const [open, setOpen] = useState(false);
  const channel = store.channels.value.get(way?.channel ?? compose.channel);
  const more = channel?.copies || channel?.subjects;
  const others = compose.cc.filter((address) => !envelope.cc.includes(address));
  const shown = open || envelope.cc.length + envelope.bcc.length > 0;
  return html`<div class="envelope">
    <${Ways} compose=${compose} row=${row} way=${way} />
    ${more && html`<button type="button" class="quiet" aria-expanded=${shown ? "true" : "false"} onClick=${() => setOpen(!shown)}>${t("composer.more_fields")}</button>`}
    ${channel?.copies && others.length > 0 && html`<span class="others-in">${t("composer.others")} <bdi>${others.join(", ")}</bdi>
      <button type="button" onClick=${() => drafts.address(row.ref, { cc: [...envelope.cc, ...others] })}>${t("composer.reply_all")}</button></span>`}
    ${more && shown && html`<div class="envelope-more">
      ${channel?.copies && html`<${Chips} word=${t("composer.cc")} list=${envelope.cc} taken=${[...envelope.bcc, compose.to]} change=${(/** @type {string[]} */ cc) => drafts.address(row.ref, { cc })} />
        <${Chips} word=${t("composer.bcc")} list=${envelope.bcc} taken=${[...envelope.cc, compose.to]} change=${(/** @type {string[]} */ bcc) => drafts.address(row.ref, { bcc })} />`}
      ${channel?.subjects && html`<label class="inline-field"><span>${t("composer.subject")}</span><input type="text" dir="auto" maxlength="250" value=${envelope.subject ?? compose.subject ?? ""}
        onInput=${(/** @type {{target: HTMLInputElement}} */ event) => drafts.address(row.ref, { subject: event.target.value || null })} /></label>`}</div>`}
  </div>`;
}

/** The person's own addresses, each with the rule that holds there. @param {{compose: Compose, row: TicketRow, way: Way | undefined}} given */
function Ways({ compose, row, way }) {
  const name = row.contact.name && html`<bdi>${row.contact.name}</bdi> · `;
  if (compose.endpoints.length < 2) return html`<p class="recipient">${t("composer.to")} ${name}${t(`channel.${compose.channel}`)} · <bdi dir="ltr">${compose.to}</bdi>${way?.claimed && html` <span class="badge">${t("way.claimed")}</span>`}</p>`;
  return html`<label class="recipient"><span>${t("composer.to")} ${row.contact.name && html`<bdi>${row.contact.name}</bdi>`}</span>
    <select value=${way?.id} onChange=${(/** @type {{target: HTMLSelectElement}} */ event) => drafts.address(row.ref, { endpoint_id: Number(event.target.value) })}>
      ${compose.endpoints.map((one) => html`<option key=${one.id} value=${one.id} disabled=${!one.may} selected=${one.id === way?.id}>${wayWords(one)}</option>`)}</select></label>`;
}

/** @param {Way} way */
function wayWords(way) {
  const rule = !way.may ? t(`way.${way.why}`) : way.warn ? t(`way.${way.warn}`) : way.claimed ? t("way.claimed") : "";
  return [t(`channel.${way.channel}`), way.shown, rule].filter(Boolean).join(" · ");
}

const ADDRESS = /^[^\s@<>,;"]+@[^\s@<>,;"]+\.[^\s@<>,;".]{2,}$/;

/** Addresses as small cards: Enter or a comma makes one, Backspace in the empty field takes the last away.
 * @param {{word: string, list: string[], taken: string[], change: (list: string[]) => void}} given */
function Chips({ word, list, taken, change }) {
  const [text, setText] = useState("");
  const [wrong, setWrong] = useState("");
  const id = `chips-${word}`;
  const add = (/** @type {string} */ typed) => {
    const found = typed.split(/[\s,;]+/).map((one) => one.replace(/^<|>$/g, "")).filter(Boolean);
    const bad = found.find((one) => !ADDRESS.test(one));
    const known = new Set([...list, ...taken].map((one) => one.toLowerCase()));
    const good = found.filter((one) => ADDRESS.test(one) && !known.has(one.toLowerCase()));
    if (good.length) change([...list, ...good]);
    setText(bad ?? "");
    setWrong(bad ? t("chips.wrong", { address: bad }) : "");
  };
  const key = (/** @type {KeyboardEvent} */ event) => {
    if (event.isComposing || event.ctrlKey || event.metaKey) return;
    if (event.key === "Enter" || event.key === "," || event.key === ";") {
      event.preventDefault();
      add(text);
    } else if (event.key === "Backspace" && !text && list.length) change(list.slice(0, -1));
  };
  return html`<div class="inline-field"><label for=${id}>${word}</label><div class="chips">
    ${list.length > 0 && html`<ul>${list.map((one) => html`<li key=${one} class="chip"><bdi dir="ltr">${one}</bdi><button type="button" class="quiet" onClick=${() => change(list.filter((other) => other !== one))}><${Icon} name="cross" size=${12} /><span class="hidden">${t("chips.remove", { address: one })}</span></button></li>`)}</ul>`}
    <input id=${id} type="text" autocomplete="off" spellcheck=${false} dir="ltr" value=${text} aria-invalid=${wrong ? "true" : undefined} aria-describedby=${wrong ? `${id}-wrong` : undefined}
      onInput=${(/** @type {{target: HTMLInputElement}} */ event) => { setText(event.target.value); setWrong(""); }} onKeyDown=${key} onBlur=${() => text.trim() && add(text)} />
    ${wrong && html`<p class="field-error" id=${`${id}-wrong`} role="alert">${wrong}</p>`}</div></div>`;
}

/** Words that may have meant "stop": a person decides what they meant. @param {{page: TicketPage, way: Way}} given */
export function Doubt({ page, way }) {
  if (way.warn !== "doubted") return html`<p class="doubt"><${Icon} name="warning" /><span>${t("doubted.bad_address")}</span></p>`;
  const settle = (/** @type {"given" | "revoked"} */ state) => () => actions.settleConsent(page.ticket.ref, page.contact.id, way.id, state);
  return html`<div class="doubt"><${Icon} name="warning" /><span>${t("doubted.why")}</span><span class="matter-buttons">
    <button type="button" onClick=${settle("revoked")}>${t("doubted.revoked")}</button><button type="button" onClick=${settle("given")}>${t("doubted.given")}</button></span></div>`;
}
