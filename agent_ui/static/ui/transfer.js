// @ts-check
import { html } from "htm/preact";
import { useEffect, useState } from "preact/hooks";
import * as actions from "../actions.js";
import * as api from "../api.js";
import { t } from "../i18n.js";

/** @param {{row: TicketRow, close: () => void}} given */
export function TransferForm({ row, close }) {
  const [queues, setQueues] = useState(/** @type {QueueChoice[] | "error" | null} */ (null));
  const [to, setTo] = useState(/** @type {"queue" | "person"} */ ("queue"));
  const [search, setSearch] = useState("");
  const [target, setTarget] = useState("");
  const [note, setNote] = useState("");
  const [missing, setMissing] = useState(false);
  const load = () => api.queues().then(setQueues, () => setQueues("error"));
  useEffect(() => { void load(); }, []);
  if (queues === "error") return html`<div class="inline-error"><p>${t("transfer.error")}</p><div class="row-of-buttons"><button type="button" onClick=${load}>${t("again")}</button><button type="button" onClick=${close}>${t("cancel")}</button></div></div>`;
  const options = choices(queues ?? [], to, row).filter(({ name }) => name.toLowerCase().includes(search.trim().toLowerCase()));
  const chosen = choices(queues ?? [], to, row).find(({ value }) => value === target);
  const send = (/** @type {Event} */ event) => {
    event.preventDefault();
    if (!chosen || !note.trim()) return setMissing(true);
    void actions.transfer(row.ref, { ...(to === "queue" ? { queue: target } : { staff_id: Number(target) }), note: note.trim() }, chosen.name);
  };
  const side = (/** @type {"queue" | "person"} */ value) => html`<label><input type="radio" name="transfer-to" checked=${to === value} onChange=${() => { setTo(value); setTarget(""); }} /><span>${t(`transfer.${value}`)}</span></label>`;
  return html`<form onSubmit=${send} novalidate>
    <fieldset class="segments"><legend class="hidden">${t("transfer.to")}</legend>${side("queue")}${side("person")}</fieldset>
    <label class="field"><span>${t("transfer.search")}</span><input type="search" value=${search} onInput=${(/** @type {{target: HTMLInputElement}} */ event) => setSearch(event.target.value)} /></label>
    <fieldset class="choices scroll"><legend class="hidden">${t(`transfer.${to}`)}</legend>
      ${queues === null && html`<p class="muted">${t("thread.loading")}</p>`}
      ${options.map((option) => html`<label key=${option.value}><input type="radio" name="target" checked=${target === option.value} onChange=${() => setTarget(option.value)} />
        <span><b>${option.name}</b><br /><span class="muted">${option.about}</span></span></label>`)}
      ${queues && options.length === 0 && html`<p class="muted">${t("transfer.none")}</p>`}</fieldset>
    ${missing && !chosen && html`<p class="field-error" role="alert">${t("transfer.target_missing")}</p>`}
    <label class="field"><span>${t("transfer.note")}</span><textarea rows="2" value=${note} aria-describedby=${missing && !note.trim() ? "note-missing" : undefined} onInput=${(/** @type {{target: HTMLTextAreaElement}} */ event) => setNote(event.target.value)}></textarea></label>
    ${missing && chosen && !note.trim() && html`<p class="field-error" id="note-missing" role="alert">${t("transfer.note_missing")}</p>`}
    <div class="row-of-buttons end"><button type="button" onClick=${close}>${t("cancel")}</button><button type="submit" class="primary">${t("transfer.submit")}</button></div></form>`;
}

/** @param {QueueChoice[]} queues @param {"queue" | "person"} to @param {TicketRow} row */
function choices(queues, to, row) {
  if (to === "queue") return queues.filter(({ slug }) => slug !== row.queue.slug).map((queue) => ({ value: queue.slug, name: queue.name, about: aboutQueue(queue) }));
  /** @type {Map<number, {value: string, name: string, about: string}>} */
  const people = new Map();
  for (const queue of queues) for (const person of queue.staff) {
    const known = people.get(person.id);
    people.set(person.id, { value: String(person.id), name: person.name, about: known ? `${known.about}, ${queue.name}` : queue.name });
  }
  people.delete(row.owner?.id ?? -1);
  return [...people.values()].sort((a, b) => a.name.localeCompare(b.name));
}

/** @param {QueueChoice} queue */
function aboutQueue(queue) {
  if (!queue.open) return t("transfer.closed_queue");
  return `${t("transfer.waiting", { n: queue.waiting })} · ${t("transfer.free", { n: queue.free_agents })}`;
}
