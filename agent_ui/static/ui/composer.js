// @ts-check
import { html } from "htm/preact";
import { useEffect, useState } from "preact/hooks";
import * as api from "../api.js";
import * as drafts from "../drafts.js";
import { t } from "../i18n.js";
import * as outbox from "../outbox.js";
import * as store from "../store.js";
import { Icon } from "./icon.js";
import { Conflict } from "./unsent.js";

const MEASURE_MS = 400;

/** @param {{page: TicketPage}} given */
export function Composer({ page }) {
  const row = store.openTicket.value ?? page.ticket;
  const { ref } = row;
  const draft = drafts.of(ref);
  const mayReply = page.compose.can_reply && row.can.includes("reply:ticket");
  const mayNote = row.can.includes("note:ticket");
  const kind = mayReply && (draft.kind === "reply" || !mayNote) ? "reply" : "note";
  useEffect(() => {
    drafts.begin(ref, page.draft);
    return () => drafts.saveNow(ref);
  }, [ref]);
  const channel = store.channels.value.get(page.compose.channel);
  const conflict = store.outbox.value.find((unsent) => unsent.ref === ref && unsent.state === "conflict");
  const measure = useMeasure(ref, draft.text, kind);
  if (!mayReply && !mayNote) return html`<p class="composer-closed"><${Icon} name="lock" />${whyNot(page)}</p>`;
  const over = kind === "reply" && measure !== null && measure.limit > 0 && measure.units > measure.limit;
  const send = () => {
    const text = draft.text.trim();
    if (!text || over) return;
    drafts.emptied(ref);
    outbox.send({ ref, kind, text, expected_last_seq: page.messages.at(-1)?.seq ?? row.last_seq });
  };
  return html`${conflict && html`<${Conflict} unsent=${conflict} page=${page} />`}
  <form class="composer ${kind}" data-region onSubmit=${(/** @type {Event} */ event) => { event.preventDefault(); send(); }}
    onKeyDown=${(/** @type {KeyboardEvent} */ event) => sendKey(event, send)}>
    <div class="composer-top">
      <${Modes} name=${ref} kind=${kind} mayReply=${mayReply} mayNote=${mayNote} pick=${(/** @type {"reply" | "note"} */ next) => drafts.change(ref, { text: draft.text, kind: next })} />
      <p class="recipient">${kind === "note" ? html`<${Icon} name="lock" size=${14} />${t("composer.only_staff")}` : html`${t("composer.to")} ${row.contact.name && html`<bdi>${row.contact.name}</bdi> · `}${t(`channel.${page.compose.channel}`)} · <bdi dir="ltr">${page.compose.to}</bdi>`}</p>
    </div>
    ${!mayReply && html`<p class="composer-why">${whyNot(page)}</p>`}
    <textarea class="writing" id="writing" data-first rows="3" dir="auto" lang=${kind === "reply" ? row.language ?? undefined : undefined}
      aria-label=${kind === "note" ? t("composer.note_label") : t("composer.reply_label", { name: row.contact.name || row.address })} aria-describedby="writing-facts"
      aria-invalid=${over ? "true" : undefined} placeholder=${kind === "note" ? t("composer.note_hint") : t("composer.reply_hint")}
      value=${draft.text} onInput=${(/** @type {{target: HTMLTextAreaElement}} */ event) => drafts.change(ref, { text: event.target.value, kind })} onBlur=${() => drafts.saveNow(ref)}></textarea>
    <div class="composer-foot">
      <p id="writing-facts" class="facts-line">${kind === "reply" && draft.text && measure && html`<${Facts} measure=${measure} over=${over} counted=${measure.parts > 0 && !channel?.live && !channel?.html} />`}</p>
      <p class="draft-state">${[draft.text && t(`draft.${draft.state}`), queued(ref)].filter(Boolean).join(" · ")}</p>
      <button type="submit" class="primary send"><${Icon} name=${kind === "note" ? "note" : "send"} />${kind === "note" ? t("composer.add_note") : t("composer.send")} <kbd>Ctrl ↵</kbd></button>
    </div>
  </form>`;
}

/** @param {TicketPage} page */
function whyNot(page) {
  return page.compose.why_not ? t(`why_not.${page.compose.why_not}`) : t("why_not.permission");
}

/** @param {string} ref */
function queued(ref) {
  const n = store.outbox.value.filter((unsent) => unsent.ref === ref && unsent.state === "queued").length;
  return n ? t("composer.queued", { n }) : "";
}

/** @param {KeyboardEvent} event @param {() => void} send */
function sendKey(event, send) {
  if (event.key !== "Enter" || !(event.ctrlKey || event.metaKey) || event.altKey || event.isComposing || event.getModifierState("AltGraph")) return;
  event.preventDefault();
  send();
}

/** @param {{name: string, kind: string, mayReply: boolean, mayNote: boolean, pick: (kind: "reply" | "note") => void}} given */
function Modes({ name, kind, mayReply, mayNote, pick }) {
  const mode = (/** @type {"reply" | "note"} */ value) => html`<label><input type="radio" name=${`mode-${name}`} checked=${kind === value} onChange=${() => pick(value)} /><span>${t(`composer.${value}`)}</span></label>`;
  return html`<fieldset class="segments"><legend class="hidden">${t("composer.mode")}</legend>${mayReply && mode("reply")}${mayNote && mode("note")}</fieldset>`;
}

/** Advice while typing; the server decides when it is sent. @param {string} ref @param {string} text @param {string} kind @returns {Measure | null} */
function useMeasure(ref, text, kind) {
  const [measure, setMeasure] = useState(/** @type {Measure | null} */ (null));
  useEffect(() => {
    if (!text || kind === "note") return setMeasure(null);
    let wanted = true;
    const timer = setTimeout(async () => {
      const answer = await api.measure(ref, text).catch(() => null);
      if (wanted) setMeasure(answer);
    }, MEASURE_MS);
    return () => {
      wanted = false;
      clearTimeout(timer);
    };
  }, [ref, text, kind]);
  return measure;
}

/** Parts are told where a text is cut into them, the rest only when it gets long.
 * @param {{measure: Measure, over: boolean, counted: boolean}} given */
function Facts({ measure, over, counted }) {
  const words = [];
  if (counted) words.push(t("measure.parts", { n: measure.parts }));
  if (measure.limit && (counted || measure.units > measure.limit / 2)) words.push(t("measure.units", { count: measure.units, limit: measure.limit }));
  return html`<span class=${over ? "bad" : ""}>${over ? `${t("measure.over", { n: measure.units - measure.limit })} · ` : ""}${words.join(" · ")}</span>
    ${measure.warnings.map((key) => html`<span class="badge warn" key=${key}>${t(`warning.${key}`)}</span>`)}`;
}
