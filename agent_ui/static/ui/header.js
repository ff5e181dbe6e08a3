// @ts-check
import { html } from "htm/preact";
import * as actions from "../actions.js";
import { t } from "../i18n.js";
import { choose } from "../look.js";
import * as store from "../store.js";
import { Icon } from "./icon.js";
import { Menu } from "./menu.js";

/** @param {{page: "console" | "board", signOut: () => void}} given */
export function Header({ page, signOut }) {
  const me = /** @type {Me} */ (store.me.value);
  const leads = me.role !== "agent";
  return html`<header class="top" data-region>
    <a class="brand" href="/agent" data-first><span class="brand-mark" aria-hidden="true"></span><span>${me.agency.name}</span></a>
    ${leads && html`<nav class="pages" aria-label=${t("header.pages")}>
      <a href="/agent" aria-current=${page === "console" ? "page" : undefined}><${Icon} name="inbox" /><span>${t("header.console")}</span></a>
      <a href="/supervisor" aria-current=${page === "board" ? "page" : undefined}><${Icon} name="board" /><span>${t("header.board")}</span></a>
    </nav>`}
    <span class="grow"></span>
    ${page === "console" && !leads && html`<${CapacityList} me=${me} /><${StateMenu} me=${me} />`}
    <${UserMenu} me=${me} signOut=${signOut} />
  </header>`;
}

/** @param {{me: Me}} given */
function CapacityList({ me }) {
  const shown = me.capacity.channels.filter((load) => load.cap > 0);
  return html`<ul class="capacity" aria-label=${t("capacity.title")}>${shown.map((load) => html`<li key=${load.channel}>
    <span class="pips" aria-hidden="true">${Array.from({ length: Math.min(load.cap, 8) }, (_, i) => html`<i class=${i < load.items ? "on" : ""}></i>`)}</span>
    <span><b>${t("capacity.of", { items: load.items, cap: load.cap })}</b> ${t(`channel.${load.channel}`)}</span></li>`)}</ul>`;
}

/** @param {{me: Me}} given */
function StateMenu({ me }) {
  const live = store.connection.value.state === "live";
  const word = t(`state.${me.state}`) + (me.away_reason && me.intent === "away" ? ` · ${t(`away.${me.away_reason}`)}` : "");
  const label = html`<span class="dot ${me.state}" aria-hidden="true"></span><span class="state-word">${word}</span>`;
  return html`<${Menu} className="state" label=${label} name=${t("state.label")}>${(/** @type {() => void} */ close) =>
    live ? html`<${StateChoices} me=${me} close=${close} />` : html`<p class="menu-hint">${t("state.offline_hint")}</p>`}<//>`;
}

/** @param {{me: Me, close: () => void}} given */
function StateChoices({ me, close }) {
  const choice = (/** @type {Intent} */ intent, /** @type {string | undefined} */ reason, /** @type {string} */ label) => {
    const current = me.intent === intent && (intent !== "away" || me.away_reason === reason);
    return html`<button type="button" class="menu-item" aria-pressed=${current ? "true" : "false"}
      onClick=${() => { close(); void actions.setIntent(intent, reason); }}>
      <span class="dot ${intent === "available" ? "ready" : intent}" aria-hidden="true"></span>${label}${current && html`<${Icon} name="check" />`}</button>`;
  };
  return html`${choice("available", undefined, t("intent.available"))}
    <div class="menu-group" role="group" aria-labelledby="away-heading"><p class="menu-heading" id="away-heading">${t("intent.away")}</p>
      ${store.reasons.value.away.map((reason) => choice("away", reason, t(`away.${reason}`)))}</div>
    ${choice("offline", undefined, t("intent.offline"))}
    ${me.next_intent && html`<p class="menu-hint">${t("state.next", { intent: t(`intent.${me.next_intent}`) })}</p>`}`;
}

/** @param {{me: Me, signOut: () => void}} given */
function UserMenu({ me, signOut }) {
  const initials = me.name.split(/\s+/).map((word) => word.charAt(0)).slice(0, 2).join("");
  const label = html`<span class="avatar" aria-hidden="true">${initials}</span><span class="user-name">${me.name}</span>`;
  return html`<${Menu} className="user" label=${label} name=${t("user.label")}>${() => html`
    <p class="menu-hint"><b>${me.name}</b><br />${t(`role.${me.role}`)}</p>
    <${Choices} title=${t("user.language")} options=${me.agency.languages.map((code) => [code, t(`language.${code}`)])}
      now=${me.language} pick=${(/** @type {string} */ language) => choose({ language })} />
    <${Choices} title=${t("user.theme")} options=${["system", "light", "dark"].map((theme) => [theme, t(`theme.${theme}`)])}
      now=${me.theme} pick=${(/** @type {string} */ theme) => choose({ theme })} />
    <button type="button" class="menu-item" onClick=${signOut}><${Icon} name="out" />${t("user.sign_out")}</button>`}<//>`;
}

/** @param {{title: string, options: string[][], now: string, pick: (value: string) => void}} given */
function Choices({ title, options, now, pick }) {
  return html`<fieldset class="menu-choices"><legend>${title}</legend><div class="segments">${options.map(([value, label]) => html`
    <label key=${value}><input type="radio" name=${title} value=${value} checked=${value === now} onChange=${() => pick(value)} /><span>${label}</span></label>`)}
  </div></fieldset>`;
}
