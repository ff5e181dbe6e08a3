// @ts-check
/** Leaving: the question before, the last screen, the copy to keep. */

import { authorKey, lineWords } from "./bubbles.js";
import { referenceWords } from "./frame.js";
import { byId, el, fullTime, t } from "./words.js";

/** @typedef {import("./thread.js").Said} Said */

const EOL = "\r\n"; // also simple editors show it as lines

/** Ask before ending; resolves with the answer. @param {number} unsent @returns {Promise<boolean>} */
export function askToLeave(unsent) {
  return new Promise((resolve) => {
    const dialog = el("dialog", { "aria-labelledby": "leave-heading" },
      el("h2", { id: "leave-heading", said: "leave.heading" }),
      el("p", { said: "leave.text" }),
      unsent ? el("p", { class: "bad", said: "leave.unsent", params: { n: unsent } }) : null,
      el("form", { method: "dialog", class: "row" },
        el("button", { value: "no", said: "leave.no" }), el("button", { class: "main", value: "yes", said: "leave.yes" })));
    dialog.onclose = () => {
      dialog.remove();
      resolve(dialog.returnValue === "yes");
    };
    byId("page").append(dialog);
    dialog.showModal();
  });
}

/** The last screen of a chat. @param {{sentence: string, ref: string | null, byVisitor: boolean, again: () => void,
 *   download: () => void, fresh: () => void}} given */
export function ending(given) {
  const heading = el("h2", { tabIndex: -1, said: given.byVisitor ? "end.heading_you" : "end.heading" });
  const told = given.sentence
    ? [el("h3", { said: "end.agreed" }), el("p", { class: "sentence", dir: "auto", textContent: given.sentence })] : [];
  return el("section", { class: "ending" }, heading, ...told,
    el("h3", { said: "end.next" }),
    el("p", { said: given.byVisitor ? "end.next_left" : "end.next_closed" }),
    given.ref ? el("p", { class: "reference" }, ...referenceWords(given.ref)) : null,
    el("div", { class: "row" },
      given.ref ? el("button", { type: "button", class: "main", said: "end.not_solved", onclick: given.again }) : null,
      el("button", { type: "button", said: "chat.download", onclick: given.download }),
      el("button", { type: "button", said: "end.new", onclick: given.fresh })));
}

/** Save the chat as a text file. @param {{agency: string}} site @param {string | null} ref @param {Said[]} messages */
export function saveCopy(site, ref, messages) {
  const head = [t("copy.title", site), ref ? t("copy.reference", { ref }) : "", t("copy.made", { at: fullTime(new Date()) })];
  const lines = [head.filter(Boolean).join(EOL), ...messages.filter((each) => each.text || lineWords(each)[0]).map(inWords)];
  const href = URL.createObjectURL(new Blob([lines.join(EOL + EOL), EOL], { type: "text/plain;charset=utf-8" }));
  el("a", { href, download: `${t("copy.file")}-${ref ?? "copy"}.txt` }).click();
  setTimeout(() => URL.revokeObjectURL(href), 10_000);
}

/** @param {Said} message */
function inWords(message) {
  const [key, params] = lineWords(message);
  const text = message.from === "system" ? (key ? t(key, params) : message.text) : `${t(authorKey(message), message)}: ${message.text}`;
  return `${fullTime(message.at)}${EOL}${text.replaceAll("\n", EOL)}`;
}
