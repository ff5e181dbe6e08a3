// @ts-check
import { html } from "htm/preact";
import { useEffect, useRef, useState } from "preact/hooks";
import * as actions from "../actions.js";
import { inLanguage, languageName, t } from "../i18n.js";
import * as store from "../store.js";
import { HeadersView } from "./headers.js";
import { MoveForm } from "./move.js";
import { TransferForm } from "./transfer.js";

/** @param {{row: TicketRow, name: DialogName, about: Message | null, draft: string}} given */
export function TicketDialog({ row, name, about, draft }) {
  const box = useRef(/** @type {HTMLDialogElement | null} */ (null));
  const before = useRef(/** @type {Element | null} */ (document.activeElement));
  useEffect(() => {
    box.current?.showModal();
    return () => { if (before.current?.isConnected) /** @type {HTMLElement} */ (before.current).focus(); };
  }, []);
  const close = () => store.ask(null);
  const form = { transfer: TransferForm, closure: ClosureForm, reopen: ReopenForm, headers: HeadersView, move: MoveForm }[name];
  return html`<dialog class="ticket-dialog" ref=${box} aria-labelledby="dialog-heading" onCancel=${close} onClose=${close}>
    <h2 id="dialog-heading">${t(`${name}.title`)}</h2>
    <p class="muted">${row.contact.name || row.address} · <bdi dir="ltr">${row.ref}</bdi></p>
    ${draft && (name === "transfer" || name === "closure") && html`<p class="badge warn wide">${t("dialog.unsent_draft")}</p>`}
    <${form} row=${row} close=${close} about=${about} /></dialog>`;
}

/** @param {{row: TicketRow, close: () => void}} given */
function ClosureForm({ row, close }) {
  const languages = store.me.value?.agency.languages ?? ["en"];
  const theirs = row.language && languages.includes(row.language) ? row.language : languages[0];
  const [reason, setReason] = useState("");
  const [text, setText] = useState("");
  const [missing, setMissing] = useState(false);
  const suggested = useRef("");
  const pick = async (/** @type {string} */ next) => {
    setReason(next);
    const suggestion = await inLanguage(theirs, `closure_sentence.${next}`);
    // What somebody has typed is never replaced.
    setText((now) => (now === suggested.current ? suggestion : now));
    suggested.current = suggestion;
  };
  const send = (/** @type {Event} */ event) => {
    event.preventDefault();
    if (!reason || !text.trim()) return setMissing(true);
    void actions.close(row.ref, reason, text.trim());
  };
  return html`<form onSubmit=${send} novalidate>
    <fieldset class="choices" aria-describedby=${missing && !reason ? "reason-missing" : undefined}><legend>${t("closure.how")}</legend>
      ${store.reasons.value.closure.map((key) => html`<label key=${key}><input type="radio" name="reason" value=${key} checked=${reason === key} onChange=${() => pick(key)} /> ${t(`closure.${key}`)}</label>`)}</fieldset>
    ${missing && !reason && html`<p class="field-error" id="reason-missing" role="alert">${t("closure.reason_missing")}</p>`}
    <label class="field"><span>${t("closure.sentence", { language: languageName(theirs) })}</span>
      <textarea rows="3" dir="auto" lang=${theirs} value=${text} aria-describedby=${missing && !text.trim() ? "sentence-missing" : undefined} onInput=${(/** @type {{target: HTMLTextAreaElement}} */ event) => setText(event.target.value)}></textarea></label>
    ${missing && reason && !text.trim() && html`<p class="field-error" id="sentence-missing" role="alert">${t("closure.sentence_missing")}</p>`}
    <div class="row-of-buttons end"><button type="button" onClick=${close}>${t("cancel")}</button><button type="submit" class="primary">${t("closure.submit")}</button></div></form>`;
}

/** @param {{row: TicketRow, close: () => void}} given */
function ReopenForm({ row, close }) {
  const [why, setWhy] = useState("");
  const [missing, setMissing] = useState(false);
  const send = (/** @type {Event} */ event) => {
    event.preventDefault();
    if (!why.trim()) return setMissing(true);
    void actions.reopen(row.ref, why.trim());
  };
  return html`<form onSubmit=${send} novalidate><label class="field"><span>${t("reopen.why")}</span>
    <textarea rows="2" value=${why} aria-describedby=${missing ? "why-missing" : undefined} onInput=${(/** @type {{target: HTMLTextAreaElement}} */ event) => setWhy(event.target.value)}></textarea></label>
    ${missing && !why.trim() && html`<p class="field-error" id="why-missing" role="alert">${t("reopen.why_missing")}</p>`}
    <div class="row-of-buttons end"><button type="button" onClick=${close}>${t("cancel")}</button><button type="submit" class="primary">${t("reopen.submit")}</button></div></form>`;
}

