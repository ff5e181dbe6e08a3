// @ts-check
import { html } from "htm/preact";
import { useEffect, useState } from "preact/hooks";
import * as api from "../api.js";
import { t } from "../i18n.js";

/** What stands above the text of a letter, for those who doubt it. @param {{about: Message | null, close: () => void}} given */
export function HeadersView({ about, close }) {
  const [found, setFound] = useState(/** @type {{name: string, value: string}[] | "error" | null} */ (null));
  const load = () => { if (about) api.headers(about.id).then(({ headers }) => setFound(headers), () => setFound("error")); };
  useEffect(load, []);
  return html`<p class="muted">${t("headers.hint")}</p>
    ${found === null && html`<p class="muted">${t("thread.loading")}</p>`}
    ${found === "error" && html`<div class="inline-error"><p>${t("headers.error")}</p><button type="button" onClick=${load}>${t("again")}</button></div>`}
    ${Array.isArray(found) && html`<div class="letter-head" dir="ltr" tabindex="0" role="group" aria-label=${t("headers.title")}><dl>${found.map(({ name, value }, i) => html`<div key=${i}><dt>${name}</dt><dd>${value}</dd></div>`)}</dl></div>`}
    <div class="row-of-buttons end">${about && html`<a class="button" href=${api.originalPage(about.id)} download>${t("message.original")}</a>`}<button type="button" class="primary" onClick=${close}>${t("close")}</button></div>`;
}
