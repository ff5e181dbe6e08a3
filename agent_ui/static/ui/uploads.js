// @ts-check
import { html } from "htm/preact";
import { useRef, useState } from "preact/hooks";
import { signal } from "@preact/signals";
import * as actions from "../actions.js";
import * as api from "../api.js";
import { number, t } from "../i18n.js";
import { Icon } from "./icon.js";

/** @typedef {{id: number, name: string, size: number}} Uploaded */
/** @typedef {{list: Uploaded[], failed: string[], busy: boolean, add: (chosen: FileList | null) => void, remove: (file: Uploaded) => void, sent: () => void}} Files */

const LARGEST = 18_000_000;
/** By ticket: what lies beside the answer. @type {import("@preact/signals").Signal<Map<string, Uploaded[]>>} */
const kept = signal(new Map());

/** @param {string} ref @returns {Files} */
export function useUploads(ref) {
  const [busy, setBusy] = useState(0);
  const [failed, setFailed] = useState(/** @type {string[]} */ ([]));
  const list = kept.value.get(ref) ?? [];
  const put = (/** @type {Uploaded[]} */ next) => { kept.value = new Map(kept.peek()).set(ref, next); };
  const one = async (/** @type {File} */ file) => {
    if (file.size > LARGEST) return setFailed((before) => [...before, t("uploads.too_large", { name: file.name })]);
    setBusy((n) => n + 1);
    try {
      const answer = await api.upload(file);
      put([...(kept.peek().get(ref) ?? []), answer]);
    } catch (error) {
      setFailed((before) => [...before, `${file.name}: ${actions.sentence(error)}`]);
    } finally {
      setBusy((n) => n - 1);
    }
  };
  return { list, failed, busy: busy > 0,
    add: (chosen) => { setFailed([]); for (const file of chosen ?? []) void one(file); },
    remove: (file) => { put(list.filter((other) => other.id !== file.id)); void api.takeUploadAway(file.id).catch(() => null); }, // the server forgets it within a day by itself
    sent: () => { put([]); setFailed([]); } };
}

/** @param {{files: Files}} given */
export function Attach({ files }) {
  const input = useRef(/** @type {HTMLInputElement | null} */ (null));
  return html`<button type="button" class="quiet" title=${t("uploads.attach")} onClick=${() => input.current?.click()}><${Icon} name="clip" /><span class="hidden">${t("uploads.attach")}</span></button>
    <input ref=${input} type="file" multiple hidden aria-label=${t("uploads.attach")} onChange=${(/** @type {{target: HTMLInputElement}} */ event) => { files.add(event.target.files); event.target.value = ""; }} />
    ${files.busy && html`<span class="muted">${t("uploads.busy")}</span>`}`;
}

/** @param {{files: Files}} given */
export function Uploads({ files }) {
  return html`<div class="chips uploads"><ul>${files.list.map((file) => html`<li key=${file.id} class="chip"><${Icon} name="clip" size=${12} /><bdi>${file.name}</bdi> <span class="muted">${number(Math.max(1, Math.round(file.size / 1024)), { style: "unit", unit: "kilobyte" })}</span>
      <button type="button" class="quiet" onClick=${() => files.remove(file)}><${Icon} name="cross" size=${12} /><span class="hidden">${t("chips.remove", { address: file.name })}</span></button></li>`)}</ul>
    ${files.failed.map((text) => html`<p class="field-error" role="alert" key=${text}>${text}</p>`)}</div>`;
}
