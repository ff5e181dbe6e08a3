// @ts-check
// Words, dates and numbers. Catalogues are flat: key -> text with {holes}, or key -> {one, other} chosen by {n}.

import { signal } from "@preact/signals";
import * as api from "./api.js";

/** @type {import("@preact/signals").Signal<{language: string, words: Record<string, any>}>} */
const spoken = signal({ language: "en", words: {} });
/** @type {Map<string, Record<string, any>>} */
const known = new Map();
export const zone = signal("UTC");

/** @param {string} language */
export async function speak(language) {
  const words = await learn(language);
  spoken.value = { language, words };
  document.documentElement.lang = language;
}

/** @param {string} language */
async function learn(language) {
  const words = known.get(language) ?? (await api.catalogue(language));
  known.set(language, words);
  return words;
}

/** @param {string} language @param {string} key @returns {Promise<string>} a sentence in the citizen's language */
export async function inLanguage(language, key) {
  return filled((await learn(language))[key], language, key, {});
}

/** @param {string} key @param {Params} [params] @returns {string} */
export function t(key, params = {}) {
  const { language, words } = spoken.value;
  return filled(words[key], language, key, params);
}

export const has = (/** @type {string} */ key) => key in spoken.value.words;
export const language = () => spoken.value.language;

/** @param {any} found @param {string} language @param {string} key @param {Params} params */
function filled(found, language, key, params) {
  const text = typeof found === "object" && found !== null
    ? found[new Intl.PluralRules(language).select(Number(params.n ?? 0))] ?? found.other : found ?? readable(key);
  return text.replace(/\{(\w+)\}/g, (/** @type {string} */ _, /** @type {string} */ name) => shown(language, params[name]));
}

/** @param {string} language @param {string | number | null | undefined} value */
const shown = (language, value) => (typeof value === "number" ? new Intl.NumberFormat(language).format(value) : value ?? "");

/** A key that no catalogue knows still says something: "line.held_stranger" becomes "Held stranger". @param {string} key */
function readable(key) {
  const last = (key.split(".").pop() ?? key).replace(/[_-]+/g, " ").trim();
  return last.charAt(0).toUpperCase() + last.slice(1);
}

/** @type {Map<string, Intl.DateTimeFormat>} */
const formats = new Map();

/** @param {string} name @param {Intl.DateTimeFormatOptions} options */
function formatter(name, options) {
  const key = `${name} ${spoken.value.language} ${zone.value}`;
  const found = formats.get(key) ?? new Intl.DateTimeFormat(spoken.value.language, { ...options, timeZone: zone.value });
  formats.set(key, found);
  return found;
}

/** @typedef {string | number} Instant */
/** @param {Instant} at */
export const timeOfDay = (at) => formatter("time", { hour: "numeric", minute: "2-digit" }).format(new Date(at));
/** @param {Instant} at */
export const exactTime = (at) => formatter("exact", { hour: "numeric", minute: "2-digit", second: "2-digit" }).format(new Date(at));
/** @param {Instant} at */
export const day = (at) => formatter("day", { weekday: "long", day: "numeric", month: "long" }).format(new Date(at));
/** @param {Instant} at */
export const dayAndTime = (at) =>
  formatter("both", { day: "numeric", month: "short", hour: "numeric", minute: "2-digit" }).format(new Date(at));
/** @param {Instant} at */
export const fullTime = (at) => formatter("full", { dateStyle: "full", timeStyle: "long" }).format(new Date(at));
/** @param {Instant} at @param {number} now */
export const when = (at, now) => (day(at) === day(now) ? timeOfDay(at) : dayAndTime(at));

/** @param {number} value @param {Intl.NumberFormatOptions} [options] */
export const number = (value, options) => new Intl.NumberFormat(spoken.value.language, options).format(value);
/** @param {number} value */
export const count = (value) => (value > 99 ? "99+" : number(value));

/** @param {number} seconds */
function parts(seconds) {
  const s = Math.max(0, Math.floor(seconds));
  if (s < 60) return { unit: "second", n: s };
  if (s < 3600) return { unit: "minute", n: Math.floor(s / 60) };
  if (s < 86400) return { unit: "hour", n: Math.floor(s / 3600) };
  return { unit: "day", n: Math.floor(s / 86400) };
}

/** "48s", "4 min", in the language's own short form. @param {number} seconds */
export function short(seconds) {
  const { unit, n } = parts(seconds);
  return number(n, { style: "unit", unit, unitDisplay: unit === "minute" || unit === "day" ? "short" : "narrow" });
}

/** @param {number} seconds */
export function long(seconds) {
  const { unit, n } = parts(seconds);
  return number(n, { style: "unit", unit, unitDisplay: "long" });
}

/** "6:42" or "1:06:42". @param {number} seconds */
export function stopwatch(seconds) {
  const s = Math.max(0, Math.floor(seconds));
  const two = (/** @type {number} */ n) => String(n).padStart(2, "0");
  const hours = Math.floor(s / 3600);
  return hours ? `${hours}:${two(Math.floor(s / 60) % 60)}:${two(s % 60)}` : `${Math.floor(s / 60)}:${two(s % 60)}`;
}

/** A stopwatch for a day, then days and hours: nobody reads "51:12:09". @param {number} seconds */
export function age(seconds) {
  if (seconds < 86400) return stopwatch(seconds);
  const part = (/** @type {number} */ n, /** @type {string} */ unit) => number(n, { style: "unit", unit, unitDisplay: "narrow" });
  return `${part(Math.floor(seconds / 86400), "day")} ${part(Math.floor(seconds / 3600) % 24, "hour")}`;
}

/** @param {string | null} code */
export function languageName(code) {
  if (!code) return "";
  try {
    const name = new Intl.DisplayNames(spoken.value.language, { type: "language" }).of(code) ?? code;
    return name.charAt(0).toUpperCase() + name.slice(1);
  } catch {
    return code; // a tag that the browser cannot read is shown as it came
  }
}
