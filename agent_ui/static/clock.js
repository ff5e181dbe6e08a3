// @ts-check
// Durations tick here from server timestamps; the server never pushes seconds.

import { signal } from "@preact/signals";

/** Milliseconds that the server is ahead of this machine: the median of the last five answers. */
let offset = 0;
/** @type {number[]} */
let seen = [];

export const now = signal(Date.now());
export const serverNow = () => Date.now() + offset;

/** @param {string} serverTime @param {number} sentAt @param {number} [receivedAt] */
export function learn(serverTime, sentAt, receivedAt = Date.now()) {
  const sample = Date.parse(serverTime) - (sentAt + receivedAt) / 2;
  if (Number.isNaN(sample)) return;
  seen = [...seen, sample].slice(-5);
  offset = [...seen].sort((a, b) => a - b)[Math.floor(seen.length / 2)];
}

export function start() {
  setInterval(() => { now.value = serverNow(); }, 1000);
}

/** @param {string} at @returns {number} seconds since then, ticking */
export const since = (at) => Math.max(0, (now.value - Date.parse(at)) / 1000);
/** @param {string} at @returns {number} seconds until then, ticking, never below 0 */
export const until = (at) => Math.max(0, (Date.parse(at) - now.value) / 1000);
