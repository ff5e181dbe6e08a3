// @ts-check
import { html } from "htm/preact";
import { useEffect, useState } from "preact/hooks";
import { now } from "../clock.js";
import { t, timeOfDay } from "../i18n.js";
import * as store from "../store.js";
import { Icon } from "./icon.js";

/** One status and one alert for the whole page: at most one polite sentence per 3 s, the urgent one at once. */
export function Announcer() {
  const [said, setSaid] = useState("");
  useEffect(() => {
    const timer = setInterval(() => {
      const { polite } = store.spoken.peek();
      if (polite.length === 0) return;
      setSaid(polite.join(" "));
      store.spokenOut();
    }, 3000);
    return () => clearInterval(timer);
  }, []);
  return html`<div class="hidden"><div role="status">${said}</div><div role="alert">${store.spoken.value.urgent}</div></div>`;
}

/** Says nothing for the first 1.5 s: most drops are shorter than a glance. */
export function ConnectionBanner() {
  const { state, since, good } = store.connection.value;
  now.value; // reading it makes the banner tick
  const gone = Date.now() - since;
  if (state === "live" || gone < 1500) return null;
  const stale = gone > 30000;
  const text = stale ? t("connection.stale", { time: timeOfDay(good) }) : t("connection.reconnecting");
  return html`<section class="banner ${stale ? "bad" : "warn"}" aria-label=${t("connection.label")}><${Icon} name="warning" /><span>${text}</span></section>`;
}

export function Notices() {
  return html`<section class="notices" aria-label=${t("toast.label")}>${store.notices.value.map((notice) => html`<${Toast} key=${notice.id} notice=${notice} />`)}</section>`;
}

/** @param {{notice: Notice}} given */
function Toast({ notice }) {
  const [held, hold] = useState(false);
  useEffect(() => {
    if (held || notice.action) return; // what can be undone waits until somebody has decided
    const timer = setTimeout(() => store.dismiss(notice.id), 8000);
    return () => clearTimeout(timer);
  }, [held]);
  return html`<div class="toast ${notice.tone}" onPointerEnter=${() => hold(true)} onPointerLeave=${() => hold(false)}
    onFocusIn=${() => hold(true)} onFocusOut=${() => hold(false)}>
    <${Icon} name=${notice.tone === "bad" ? "warning" : "check"} /><span>${notice.text}</span>
    ${notice.action && html`<button type="button" onClick=${() => { notice.action?.act(); store.dismiss(notice.id); }}>${notice.action.word}</button>`}
    <button type="button" class="quiet" aria-label=${t("toast.dismiss")} onClick=${() => store.dismiss(notice.id)}><${Icon} name="cross" /></button>
  </div>`;
}
