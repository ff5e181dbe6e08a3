// @ts-check
/** The chat page: the form first, the chat (and all that it needs) when the visitor starts. */

import { showForm } from "./form.js";
import { forget, recall } from "./memory.js";
import { LANGUAGES, byId, el, speak, t } from "./words.js";

/** @typedef {{agency: string, name: string, languages: string[], open: boolean, reply_by: string | null, max_text: number,
 *             topics: {slug: string, name: Record<string, string>}[]}} Site */

const slug = location.pathname.split("/").filter(Boolean).at(-1) ?? "";

async function open() {
  const kept = recall(slug);
  const wished = [kept?.language, ...navigator.languages.map((tag) => tag.slice(0, 2)), "en"];
  const first = wished.find((code) => code && LANGUAGES.includes(code)) ?? "en";
  try {
    await speak(first);
    const site = await settings(first);
    if (!site.languages.includes(first)) await speak(site.languages[0]);
    if (kept) await startChat(site, kept);
    else await ask(site);
  } catch {
    fail(open); // no settings or no script: the network failed us
  }
}

/** @param {string} language @returns {Promise<Site>} */
async function settings(language) {
  const answer = await fetch(`/api/sites/${encodeURIComponent(slug)}`, { headers: { "Accept-Language": language } });
  if (!answer.ok) throw new Error("no settings");
  const site = await answer.json();
  const spoken = site.languages.filter((/** @type {string} */ code) => LANGUAGES.includes(code));
  return { ...site, languages: spoken.length ? spoken : ["en"] };
}

/** @param {Site} site @param {{ref?: string | null, draft?: string}} [expired] a chat that could not be taken up again */
async function ask(site, expired) {
  const answers = await showForm(site, expired);
  const begin = () => startChat(site, {
    chat: crypto.randomUUID?.() ?? String(Math.random()), token: null, ref: null, outbox: [],
    draft: expired?.draft ?? "", enter: false, begun: false, ...answers,
  });
  await begin().catch(() => fail(retry));
  /** @returns {Promise<void>} */
  function retry() {
    return begin().catch(() => fail(retry));
  }
}

/** @param {Site} site @param {import("./memory.js").Kept} kept */
async function startChat(site, kept) {
  const { openChat } = await import("./chat.js");
  openChat(slug, site, kept, {
    expired: () => {
      forget(slug);
      const unsent = [...kept.outbox.map((item) => item.text), kept.draft].filter(Boolean).join("\n\n");
      ask(site, { ref: kept.ref, draft: unsent });
    },
    barred: () => stop("barred", site.agency, null),
    failed: () => fail(() => startChat(site, recall(slug) ?? kept)),
  });
}

/** @param {() => any} again */
function fail(again) {
  stop("failure", "", again);
}

/** @param {"barred" | "failure"} why @param {string} agency @param {(() => any) | null} again */
function stop(why, agency, again) {
  // Without a catalogue the page still has to say something: this one sentence is in both languages.
  const plain = "Sorry, there is a problem with the chat. / Lo sentimos, hay un problema con el chat.";
  const heading = el("h1", { tabIndex: -1, said: `${why}.heading` });
  if (!heading.textContent) heading.textContent = plain;
  const button = again && el("button", { type: "button", class: "main", said: "failure.again", onclick: again });
  if (button && !button.textContent) button.textContent = "Try again / Intentar de nuevo";
  byId("page").className = "form";
  byId("page").replaceChildren(heading, el("p", { said: `${why}.text`, params: { agency } }), ...(button ? [button] : []));
  document.title = t(`${why}.heading`) || "Chat";
  heading.focus();
}

open();
