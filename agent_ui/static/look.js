// @ts-check
// Language and theme: kept on the server per person, and on this device so that the next page starts right.

import { render } from "htm/preact";
import * as api from "./api.js";
import { speak } from "./i18n.js";
import * as store from "./store.js";

/** @param {{language: string, theme: string}} wanted */
export async function wear({ language, theme }) {
  const root = document.documentElement;
  if (theme === "light" || theme === "dark") root.dataset.theme = theme;
  else delete root.dataset.theme;
  try {
    localStorage.setItem("cc.look", JSON.stringify({ language, theme }));
  } catch { /* private mode: the choice lasts as long as the page */ }
  await speak(language);
}

/** @returns {{language: string, theme: string}} */
export function remembered() {
  const { lang, dataset } = document.documentElement;
  return { language: lang || "en", theme: dataset.theme ?? "system" };
}

/** @param {{language?: string, theme?: string}} change */
export async function choose(change) {
  await wear({ ...remembered(), ...change });
  if (store.me.peek()) store.tookMe(await api.setPreferences(change));
}

/** The page comes with a drawing of itself; the real one takes its place. @param {any} tree */
export function draw(tree) {
  const app = /** @type {HTMLElement} */ (document.getElementById("app"));
  app.replaceChildren();
  render(tree, app);
}
