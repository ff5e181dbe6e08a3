// @ts-check
// Maps event names to store functions and keeps the position honest: gaps, head beats, returns from sleep.

import { io } from "socket.io-client";
import * as api from "./api.js";
import * as clock from "./clock.js";
import * as store from "./store.js";

const BEAT_MS = 5000, ANSWER_MS = 4000, BEHIND_MS = 5000, AGAIN_MS = 2000;

/** @typedef {{onReload: () => Promise<void>, onFresh: (items: Item[]) => void, onCaughtUp: (away: boolean) => void, onSignedOut: () => void, watchBoard?: boolean}} Wishes */

/** @type {Wishes} */
let wishes;
const socket = io("/console", { autoConnect: false, reconnection: false, transports: ["websocket"] });
/** @type {Frame[]} */
let waiting = [];
let drawing = false, away = false, caughtUp = false, connecting = false, tries = 0;
/** @type {ReturnType<typeof setTimeout> | undefined} */
let retry;
/** @type {ReturnType<typeof setTimeout> | undefined} */
let behind;

/** True when every event up to the server's tail has been applied: only then may the outbox speak. */
export const isCaughtUp = () => caughtUp && socket.connected;

/** @param {Wishes} given */
export function start(given) {
  wishes = given;
  socket.on("connect", connected);
  socket.on("disconnect", lost);
  socket.on("connect_error", refused);
  socket.on("events", (/** @type {Frame} */ frame) => queue(frame));
  socket.on("head", headSeen);
  socket.on("reload", () => void reload());
  socket.on("board", (/** @type {Board} */ board) => store.tookBoard(board));
  socket.on("signed_out", () => wishes.onSignedOut());
  addEventListener("online", wake);
  addEventListener("offline", () => socket.disconnect());
  addEventListener("pageshow", (event) => event.persisted && wake());
  document.addEventListener("visibilitychange", () => document.visibilityState === "visible" && wake());
  setInterval(beat, BEAT_MS);
  void connect();
}

async function connect() {
  if (connecting || socket.connected) return;
  connecting = true;
  clearTimeout(retry);
  try {
    const { ticket } = await api.socketTicket();
    socket.auth = { ticket, last: store.last() || null };
    socket.connect();
  } catch (error) {
    if (error instanceof api.Refused && error.problem.status === 401) wishes.onSignedOut();
    else lost();
  } finally {
    connecting = false;
  }
}

function connected() {
  tries = 0;
  store.connectionIs("live");
  if (wishes.watchBoard) socket.emit("watch", { board: true });
  resume();
  beat();
}

function lost() {
  if (caughtUp || store.connection.peek().state === "connecting") away = true;
  caughtUp = false;
  store.connectionIs("lost");
  // Jitter, so that a restarted server is not met by every console at once.
  const longest = Math.min(10000, 4000 + tries++ * 1000);
  clearTimeout(retry);
  retry = setTimeout(() => void connect(), 300 + Math.random() * (longest - 300));
}

/** @param {Error} error */
function refused(error) {
  if (error.message === "not_signed_in") wishes.onSignedOut();
  else lost();
}

function wake() {
  if (socket.connected) resume();
  else void connect();
}

function resume() {
  socket.timeout(ANSWER_MS).emit("resume", { last: store.last() }, (/** @type {unknown} */ silence, /** @type {{ok?: boolean, reload?: boolean} | undefined} */ answer) => {
    if (silence) return dropDead();
    if (answer?.reload) return; // the order to reload comes by itself, and resumes again
    if (answer?.ok === false) return void setTimeout(() => socket.connected && resume(), AGAIN_MS);
    // The answer may overtake a page that is still waiting for its animation frame.
    draw();
    const wasAway = away;
    away = false;
    caughtUp = true;
    wishes.onCaughtUp(wasAway);
  });
}

function beat() {
  if (!socket.connected) return;
  const sentAt = Date.now();
  socket.timeout(ANSWER_MS).emit("beat", {}, (/** @type {unknown} */ silence, /** @type {{now?: string}} */ answer) => {
    if (silence) return dropDead();
    if (answer?.now) clock.learn(answer.now, sentAt);
    store.connectionIs("live");
  });
}

/** A socket that looks open but does not answer is not a connection. */
function dropDead() {
  if (socket.connected) socket.disconnect();
}

/** @param {Frame} frame */
function queue(frame) {
  waiting.push(frame);
  if (drawing) return;
  drawing = true;
  if (document.visibilityState === "hidden") setTimeout(draw, 250);
  else requestAnimationFrame(draw);
}

function draw() {
  drawing = false;
  if (waiting.length === 0) return;
  const frames = waiting;
  waiting = [];
  const { gap, fresh } = store.tookEvents(frames);
  if (fresh.length) wishes.onFresh(fresh);
  if (gap) resume();
}

/** @param {{tail: number, now: string}} head */
function headSeen({ tail }) {
  if (store.last() >= tail || behind) return;
  behind = setTimeout(() => {
    behind = undefined;
    if (store.last() < tail && socket.connected) resume();
  }, BEHIND_MS);
}

async function reload() {
  waiting = [];
  await wishes.onReload();
  if (socket.connected) resume();
}
