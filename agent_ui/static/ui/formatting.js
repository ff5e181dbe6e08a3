// @ts-check
// Pure: a text and what is selected in it give the text with marks that every screen and every mail can show.

/** @typedef {{text: string, start: number, end: number}} Edited */

/** The lines of the selection become points of a list, or cease to be. @param {string} text @param {number} start @param {number} end @returns {Edited} */
export function asList(text, start, end) {
  const from = text.lastIndexOf("\n", start - 1) + 1;
  const stop = text.indexOf("\n", end);
  const to = stop < 0 ? text.length : stop;
  const lines = text.slice(from, to).split("\n");
  const listed = lines.every((line) => line.startsWith("- "));
  const changed = lines.map((line) => (listed ? line.slice(2) : line.startsWith("- ") ? line : `- ${line}`)).join("\n");
  const at = from + changed.length;
  return { text: text.slice(0, from) + changed + text.slice(to), start: at, end: at };
}

/** "the form" becomes "the form (https://)", with the place for the address selected. @param {string} text @param {number} start @param {number} end @returns {Edited} */
export function asLink(text, start, end) {
  const words = text.slice(start, end);
  const address = "https://";
  const link = words ? `${words} (${address})` : address;
  const at = start + link.indexOf(address);
  return { text: text.slice(0, start) + link + text.slice(end), start: at, end: at + address.length };
}
