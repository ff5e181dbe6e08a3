// @ts-check
/** A copy of the chat to keep, as a text file. */

import { authorKey, lineWords } from "./bubbles.js";
import { el, fullTime, t } from "./words.js";

/** @typedef {import("./thread.js").Said} Said */

const EOL = "\r\n"; // also simple editors show it as lines

/** @param {{agency: string}} site @param {string | null} ref @param {Said[]} messages */
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
