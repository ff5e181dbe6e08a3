// @ts-check
/** Leaving, and the last screen. */

import { referenceWords } from "./frame.js";
import { byId, el } from "./words.js";

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
