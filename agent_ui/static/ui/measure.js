// @ts-check
import { html } from "htm/preact";
import { useEffect, useState } from "preact/hooks";
import * as api from "../api.js";
import { number, t } from "../i18n.js";

const MEASURE_MS = 400;

/** Advice while typing; the server decides when it is sent. @param {string} ref @param {string} text @param {string} kind @param {number | null} endpoint @returns {Measure | null} */
export function useMeasure(ref, text, kind, endpoint) {
  const [measure, setMeasure] = useState(/** @type {Measure | null} */ (null));
  useEffect(() => {
    if (!text || kind === "note") return setMeasure(null);
    let wanted = true;
    const timer = setTimeout(async () => {
      const answer = await api.measure(ref, text, endpoint).catch(tooLong);
      if (wanted) setMeasure(answer);
    }, MEASURE_MS);
    return () => {
      wanted = false;
      clearTimeout(timer);
    };
  }, [ref, text, kind, endpoint]);
  return measure;
}

/** A refusal says how much it is, which is all one wants to know. @param {unknown} error @returns {Measure | null} */
function tooLong(error) {
  if (!(error instanceof api.Refused) || !error.problem.limit || !error.problem.count) return null;
  return { parts: 0, units: error.problem.count, limit: error.problem.limit, encoding: null, warnings: [], cost: null, currency: "", dear: [], plain: "", plain_parts: null };
}

/** Parts and money are told where a text is cut into parts, the rest only when it gets long.
 * @param {{measure: Measure, over: boolean, counted: boolean, use: (text: string) => void}} given */
export function Facts({ measure, over, counted, use }) {
  const words = [];
  if (counted) words.push(t("measure.parts", { n: measure.parts }));
  if (measure.cost !== null && measure.currency) words.push(t("measure.about", { cost: money(measure.cost, measure.currency) }));
  if (measure.limit && (counted || measure.units > measure.limit / 2)) words.push(t("measure.units", { count: measure.units, limit: measure.limit }));
  const cheaper = measure.plain && measure.plain_parts !== null && measure.plain_parts < measure.parts;
  return html`<span class=${over ? "bad" : ""}>${over ? `${t("measure.over", { n: measure.units - measure.limit })} · ` : ""}${words.join(" · ")}</span>
    ${cheaper ? html`<span class="dear">${t("measure.dear", { signs: measure.dear.slice(0, 4).join(" "), parts: measure.parts, n: measure.plain_parts })}
        <button type="button" class="quiet" onClick=${() => use(measure.plain)}>${t("measure.use_plain")}</button></span>`
      : measure.warnings.map((key) => html`<span class="badge warn" key=${key}>${t(`warning.${key}`)}</span>`)}`;
}

/** A fraction of a cent is still a price. @param {number} cost @param {string} currency */
function money(cost, currency) {
  return number(cost, { style: "currency", currency, maximumFractionDigits: cost < 0.1 ? 3 : 2, minimumFractionDigits: 2 });
}
