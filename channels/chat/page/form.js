// @ts-check
/** The form before the chat. */

import { byId, el, say, sayAgain, speak, spoken, t } from "./words.js";

/** @typedef {import("./app.js").Site} Site */

const MOST_RADIOS = 7;

/** Show the form; resolves with the answers when the visitor starts.
 *  @param {Site} site @param {{ref?: string | null}} [expired]
 *  @returns {Promise<{topic: string, name: string, language: string}>} */
export function showForm(site, expired) {
  return new Promise((resolve) => {
    const form = build(site);
    form.onsubmit = (event) => {
      event.preventDefault();
      const answers = read(form, site);
      if (answers.topic || !site.topics.length) resolve(answers);
      else showErrors(form, site);
    };
    document.title = t("title", site);
    byId("page").className = "form";
    byId("page").replaceChildren(...before(site, expired), form);
    if (expired) byId("expired").focus();
  });
}

/** @param {Site} site @param {{ref?: string | null}} [expired] */
function before(site, expired) {
  const key = expired?.ref ? "form.expired_ref" : "form.expired";
  return [
    el("h1", { said: site.open ? "form.heading" : "form.heading_closed", params: site }),
    ...(expired ? [el("p", { id: "expired", class: "notice", tabIndex: -1, said: key, params: expired })] : []),
    el("p", {}, el("span", { said: "form.who" }), " ", el("span", { said: site.open ? "form.open" : "form.closed" })),
    ...(site.reply_by ? [el("p", { textContent: site.reply_by })] : []),
  ];
}

/** @param {Site} site */
function build(site) {
  return el("form", { noValidate: true },
    el("div", { id: "errors" }),
    site.topics.length > MOST_RADIOS ? topicList(site) : topicRadios(site),
    site.languages.length > 1 ? languages(site) : null,
    el("div", { class: "field" },
      el("label", { for: "name", said: "form.name" }),
      el("input", { id: "name", name: "name", autocomplete: "given-name", maxLength: 60, spellcheck: false })),
    el("button", { class: "main", said: site.open ? "form.start" : "form.start_closed" }));
}

/** @param {Site} site */
function topicRadios(site) {
  if (!site.topics.length) return null;
  return el("fieldset", { id: "topic", "aria-describedby": "topic-hint topic-error" },
    el("legend", { said: "form.topic" }),
    el("p", { id: "topic-hint", class: "hint", said: "form.topic_hint" }),
    el("p", { id: "topic-error", class: "error" }),
    ...site.topics.map((topic, place) => radio("topic", `topic-${place}`, topic.slug, topic.name)));
}

/** @param {Site} site */
function topicList(site) {
  return el("div", { id: "topic", class: "field" },
    el("label", { for: "topic-0", said: "form.topic" }),
    el("p", { id: "topic-error", class: "error" }),
    el("select", { id: "topic-0", name: "topic", "aria-describedby": "topic-error" },
      el("option", { value: "", said: "form.topic_choose" }),
      ...site.topics.map((topic) => el("option", { value: topic.slug, said: topic.name }))));
}

/** @param {Site} site */
function languages(site) {
  const choices = site.languages.map((code) => {
    const choice = radio("language", `language-${code}`, code, `language.${code}`);
    choice.lang = code;
    const input = /** @type {HTMLInputElement} */ (choice.querySelector("input"));
    input.checked = code === spoken();
    input.onchange = async () => {
      await speak(code).catch(() => {}); // the words did not come: the choice itself still stands
      sayAgain();
      document.title = t("title", site);
    };
    return choice;
  });
  return el("fieldset", { "aria-describedby": "language-hint" },
    el("legend", { said: "form.language" }),
    el("p", { id: "language-hint", class: "hint", said: "form.language_hint" }),
    ...choices);
}

/** @param {string} name @param {string} id @param {string} value @param {import("./words.js").Saying} label */
function radio(name, id, value, label) {
  return el("div", { class: "choice" },
    el("input", { type: "radio", name, id, value, ...(name === "language" && { autocomplete: "off" }) }),
    el("label", { for: id, said: label }));
}

/** @param {HTMLFormElement} form @param {Site} site */
function read(form, site) {
  const data = new FormData(form);
  return {
    topic: String(data.get("topic") ?? ""),
    name: String(data.get("name") ?? "").trim(),
    language: String(data.get("language") ?? (site.languages.includes(spoken()) ? spoken() : site.languages[0])),
  };
}

/** A summary that takes the focus, and the same words beside the field. @param {HTMLFormElement} form @param {Site} site */
function showErrors(form, site) {
  const link = el("a", { href: "#topic-0", said: "form.topic_missing" });
  link.onclick = (event) => {
    event.preventDefault();
    byId("topic-0").focus();
  };
  const summary = el("div", { class: "summary", role: "alert", tabIndex: -1 },
    el("h2", { said: "form.problem" }), el("ul", {}, el("li", {}, link)));
  byId("errors").replaceChildren(summary);
  say(byId("topic-error"), "form.topic_missing");
  byId("topic").classList.add("wrong");
  for (const input of form.querySelectorAll("#topic-0")) input.setAttribute("aria-invalid", "true");
  document.title = t("title.error", site);
  summary.focus();
}
