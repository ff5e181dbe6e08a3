// @ts-check
import { html } from "htm/preact";
import * as actions from "../actions.js";
import { count, t } from "../i18n.js";
import * as store from "../store.js";
import { Icon } from "./icon.js";

/** @type {[View, string][]} */
const VIEWS = [["mine", "person"], ["team", "people"], ["unassigned", "tray"], ["closed", "check"]];

export function Nav() {
  return html`<nav class="views" aria-label=${t("nav.title")} data-region><ul>
    ${VIEWS.map(([view, icon], i) => html`<li key=${view}><${Entry} view=${view} icon=${icon} first=${i === 0} /></li>`)}
  </ul></nav>`;
}

/** @param {{view: View, icon: string, first: boolean}} given */
function Entry({ view, icon, first }) {
  const counts = /** @type {Partial<Record<View, number>>} */ (store.counts.value);
  const n = counts[view];
  const go = () => {
    if (store.openRef.peek() && matchMedia("(max-width: 640px)").matches) actions.backToList();
    actions.openView(view);
  };
  return html`<button type="button" class="view" aria-pressed=${store.view.value === view ? "true" : "false"} onClick=${go} data-first=${first}>
    <${Icon} name=${icon} /><span class="view-name">${t(`view.${view}`)}</span>
    ${n !== undefined && html`<span class="view-count"><span aria-hidden="true">${count(n)}</span><span class="hidden">${n > 99 ? t("nav.many") : t("nav.tickets", { n })}</span></span>`}
  </button>`;
}
