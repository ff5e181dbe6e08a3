// @ts-check
import { html } from "htm/preact";
import { useEffect, useLayoutEffect, useRef, useState } from "preact/hooks";
import * as actions from "../actions.js";
import { day, t } from "../i18n.js";
import * as store from "../store.js";
import { Icon } from "./icon.js";
import { MessageItem } from "./message.js";
import { UnsentItem } from "./unsent.js";

const NEAR_END = 80;
const TOGETHER_MS = 120000;

/** @param {{open: OpenPage, page: TicketPage}} given */
export function Thread({ open, page }) {
  const unsent = store.outbox.value.filter((one) => one.ref === page.ticket.ref && one.state !== "conflict");
  const box = useRef(/** @type {HTMLElement | null} */ (null));
  const { unseen, scrolled, toEnd, anchor } = useSteadyScroll(box, page.messages, unsent.length);
  const [busy, setBusy] = useState(false);
  const earlier = async () => {
    if (busy || !page.more) return;
    setBusy(true);
    anchor();
    await actions.loadEarlier(page.ticket.ref, page.messages[0]?.seq ?? 0);
    setBusy(false);
  };
  return html`<div class="thread-wrap">
    <div class="thread" role="log" aria-label=${t("thread.label")} aria-live=${busy ? "off" : "polite"} tabindex="0" ref=${box} onScroll=${scrolled}>
      ${open.status === "error" && html`<div class="inline-error"><p>${t("thread.error")}</p><button type="button" onClick=${() => actions.loadPage(page.ticket.ref)}>${t("again")}</button></div>`}
      ${page.more && html`<p class="earlier"><button type="button" onClick=${earlier}>${busy ? t("thread.loading") : t("thread.earlier")}</button></p>`}
      ${page.messages.length === 0 && unsent.length === 0 && html`<p class="muted centre">${t("thread.empty")}</p>`}
      <ol class="messages">${withDays(page)}${unsent.map((one) => html`<${UnsentItem} key=${one.client_msg_id} unsent=${one} />`)}</ol>
    </div>
    ${unseen > 0 && html`<button type="button" class="to-newest" onClick=${toEnd}><${Icon} name="chevron" />${t("thread.newest", { n: unseen })}</button>`}
  </div>`;
}

/** @param {TicketPage} page */
function withDays(page) {
  const { messages } = page;
  let called = "";
  return messages.flatMap((message, i) => {
    const before = messages[i - 1];
    const renamed = message.subject !== null && bare(message.subject) !== called;
    if (message.subject) called = bare(message.subject);
    const item = html`<${MessageItem} key=${message.id} message=${message} follows=${!renamed && belongsTo(before, message)} renamed=${renamed} page=${page} />`;
    if (before && day(before.at) === day(message.at)) return [item];
    return [html`<li class="day" key=${`day${message.id}`}><span>${day(message.at)}</span></li>`, item];
  });
}

/** A subject without the marks that answering and passing on put before it. @param {string} subject */
const bare = (subject) => subject.replace(/^(?:\s*(?:re|aw|wg|rv|fw|fwd|sv|vs|tr|res|enc)\s*(?:\[\d+\])?\s*:)+/i, "").trim().toLowerCase();

/** @param {Message | undefined} before @param {Message} message */
function belongsTo(before, message) {
  return before !== undefined && before.kind === message.kind && message.kind !== "line" && before.author.kind === message.author.kind
    && before.author.name === message.author.name && before.visibility === message.visibility && before.automation === message.automation && Date.parse(message.at) - Date.parse(before.at) < TOGETHER_MS && day(before.at) === day(message.at);
}

/** Stays at the end when the reader is there, stays put when not, and keeps its place when older messages come.
 * @param {{current: HTMLElement | null}} box @param {Message[]} messages @param {number} unsent */
function useSteadyScroll(box, messages, unsent) {
  const atEnd = useRef(true);
  const held = useRef(/** @type {{item: Element, top: number} | null} */ (null));
  const seen = useRef(messages.length);
  const [unseen, setUnseen] = useState(0);
  const newest = messages[messages.length - 1]?.seq ?? 0;
  const oldest = messages[0]?.seq ?? 0;
  const toEnd = () => {
    box.current?.scrollTo({ top: box.current.scrollHeight });
    setUnseen(0);
  };
  useLayoutEffect(() => {
    if (held.current && box.current) holdStill(box.current, held.current, 3);
    held.current = null;
    seen.current = messages.length;
  }, [oldest]);
  useEffect(() => {
    if (atEnd.current) toEnd();
    else setUnseen((before) => before + Math.max(0, messages.length - seen.current));
    seen.current = messages.length;
  }, [newest]);
  useEffect(() => { if (unsent) toEnd(); }, [unsent]);
  useEffect(() => (box.current ? keepAtEnd(box.current, () => atEnd.current && toEnd()) : undefined), []);
  const scrolled = () => {
    const el = /** @type {HTMLElement} */ (box.current);
    atEnd.current = el.scrollHeight - el.scrollTop - el.clientHeight < NEAR_END;
    if (atEnd.current) setUnseen(0);
  };
  const anchor = () => { held.current = box.current && firstVisible(box.current); };
  return { unseen, scrolled, toEnd, anchor };
}

/** @param {HTMLElement} box */
function firstVisible(box) {
  const edge = box.getBoundingClientRect().top;
  const item = [...box.querySelectorAll(".message, .line")].find((one) => one.getBoundingClientRect().bottom > edge);
  return item ? { item, top: item.getBoundingClientRect().top } : null;
}

/** Messages off screen have an estimated height until they are drawn, so one correction is not enough.
 * @param {HTMLElement} box @param {{item: Element, top: number}} held @param {number} frames */
function holdStill(box, held, frames) {
  box.scrollTop += held.item.getBoundingClientRect().top - held.top;
  if (frames > 0) requestAnimationFrame(() => holdStill(box, held, frames - 1));
}

/** The composer grows and windows turn: the newest message stays in sight. @param {HTMLElement} box @param {() => void} settle */
function keepAtEnd(box, settle) {
  const watch = new ResizeObserver(settle);
  watch.observe(box);
  return () => watch.disconnect();
}
