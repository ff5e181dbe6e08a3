// @ts-check
import { html } from "htm/preact";
import { useEffect, useRef } from "preact/hooks";
import * as drafts from "../drafts.js";
import { t } from "../i18n.js";
import * as outbox from "../outbox.js";
import * as store from "../store.js";
import { EnvelopeFields, Doubt } from "./envelope.js";
import { asLink, asList } from "./formatting.js";
import { Icon } from "./icon.js";
import { Facts, useMeasure } from "./measure.js";
import { Conflict } from "./unsent.js";
import { Attach, Uploads, useUploads } from "./uploads.js";

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
  const { way, envelope } = chosenWay(ref, page);
  const channel = store.channels.value.get(way?.channel ?? page.compose.channel);
  const conflict = store.outbox.value.find((unsent) => unsent.ref === ref && unsent.state === "conflict");
  const measure = useMeasure(ref, draft.text, kind, envelope.endpoint_id);
  const files = useUploads(ref);
  const area = useRef(/** @type {HTMLTextAreaElement | null} */ (null));
  if (!mayReply && !mayNote) return html`<p class="composer-closed"><${Icon} name="lock" />${whyNot(page, row)}</p>`;
  const over = kind === "reply" && measure !== null && measure.limit > 0 && measure.units > measure.limit;
  const write = (/** @type {string} */ text) => drafts.change(ref, { text, kind });
  const send = () => {
    const text = draft.text.trim();
    if (!text && kind === "reply" && files.list.length) store.notify(t("uploads.words_first"), "bad");
    if (!text || over || files.busy) return;
    const enclosed = kind === "reply" ? files.list.map((file) => file.id) : [];
    drafts.emptied(ref);
    if (kind === "reply") files.sent();
    outbox.send({ ref, kind, text, expected_last_seq: page.messages.at(-1)?.seq ?? row.last_seq, ...envelope, uploads: enclosed });
  };
  return html`${conflict && html`<${Conflict} unsent=${conflict} page=${page} />`}
  <form class="composer ${kind}" data-region onSubmit=${(/** @type {Event} */ event) => { event.preventDefault(); send(); }}
    onKeyDown=${(/** @type {KeyboardEvent} */ event) => sendKey(event, send)}>
    <div class="composer-top">
      <${Modes} name=${ref} kind=${kind} mayReply=${mayReply} mayNote=${mayNote} pick=${(/** @type {"reply" | "note"} */ next) => drafts.change(ref, { text: draft.text, kind: next })} />
      ${kind === "note" ? html`<p class="recipient"><${Icon} name="lock" size=${14} />${t("composer.only_staff")}</p>`
        : html`<${EnvelopeFields} page=${page} row=${row} way=${way} envelope=${envelope} />`}
    </div>
    ${!mayReply && html`<p class="composer-why">${whyNot(page, row)}</p>`}
    ${kind === "reply" && way?.warn && html`<${Doubt} page=${page} way=${way} />`}
    <textarea class="writing" id="writing" data-first rows="3" dir="auto" ref=${area} lang=${kind === "reply" ? row.language ?? undefined : undefined}
      aria-label=${kind === "note" ? t("composer.note_label") : t("composer.reply_label", { name: row.contact.name || row.address })} aria-describedby="writing-facts"
      aria-invalid=${over ? "true" : undefined} placeholder=${kind === "note" ? t("composer.note_hint") : t("composer.reply_hint")}
      value=${draft.text} onInput=${(/** @type {{target: HTMLTextAreaElement}} */ event) => write(event.target.value)} onBlur=${() => drafts.saveNow(ref)}></textarea>
    ${kind === "reply" && files.list.length + files.failed.length > 0 && html`<${Uploads} files=${files} />`}
    <div class="composer-foot">
      ${kind === "reply" && html`<${Tools} area=${area} write=${write} formats=${channel?.subjects ?? false} files=${channel?.files ? files : null} />`}
      <div id="writing-facts" class="facts-line">${kind === "reply" && draft.text && measure && html`<${Facts} measure=${measure} over=${over} counted=${measure.parts > 0 && !channel?.live && !channel?.html} use=${write} />`}</div>
      <p class="draft-state">${[draft.text && t(`draft.${draft.state}`), queued(ref)].filter(Boolean).join(" · ")}</p>
      <button type="submit" class="primary send"><${Icon} name=${kind === "note" ? "note" : "send"} />${kind === "note" ? t("composer.add_note") : t("composer.send")} <kbd>Ctrl ↵</kbd></button>
    </div>
  </form>`;
}

/** The address that was chosen, else the one they wrote from, else the first that may be written to.
 * @param {string} ref @param {TicketPage} page @returns {{way: Way | undefined, envelope: Envelope}} */
function chosenWay(ref, page) {
  const envelope = drafts.envelopeOf(ref);
  const { endpoints } = page.compose;
  const chosen = endpoints.find((way) => way.id === envelope.endpoint_id && way.may);
  const way = chosen ?? endpoints.find((one) => one.is_reply_to && one.may) ?? endpoints.find((one) => one.may);
  return { way, envelope: { ...envelope, endpoint_id: way && !way.is_reply_to ? way.id : null } };
}

/** @param {TicketPage} page @param {TicketRow} row */
function whyNot(page, row) {
  if (row.status === "cancelled") return t("why_not.cancelled");
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

/** What survives as plain text, and files. @param {{area: {current: HTMLTextAreaElement | null}, write: (text: string) => void, formats: boolean, files: import("./uploads.js").Files | null}} given */
function Tools({ area, write, formats, files }) {
  const change = (/** @type {typeof asList} */ how) => () => {
    const box = area.current;
    if (!box) return;
    const next = how(box.value, box.selectionStart, box.selectionEnd);
    write(next.text);
    requestAnimationFrame(() => {
      box.focus();
      box.setSelectionRange(next.start, next.end);
    });
  };
  if (!formats && !files) return null;
  return html`<div class="tools" role="group" aria-label=${t("tools.label")}>
    ${formats && html`<button type="button" class="quiet" title=${t("tools.list")} onClick=${change(asList)}><${Icon} name="list" /><span class="hidden">${t("tools.list")}</span></button>
      <button type="button" class="quiet" title=${t("tools.link")} onClick=${change(asLink)}><${Icon} name="link" /><span class="hidden">${t("tools.link")}</span></button>`}
    ${files && html`<${Attach} files=${files} />`}</div>`;
}
