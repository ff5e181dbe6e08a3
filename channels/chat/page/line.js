// @ts-check
/** The line to the desk: one socket, which is only a hint. What it says is checked against the numbers in `thread.js`. */

import { io } from "./vendor/socket.io.esm.min.js";

/** @typedef {{down: () => void, refused: (code: string) => void, heard: (name: string, data: any) => void}} Listener */
/** @typedef {ReturnType<typeof openLine>} Line */

const WORDS = ["session", "message", "state", "typing"];
const AGAIN_AFTER_MS = 2000;

/** @param {() => Record<string, unknown>} auth asked anew at each connect @param {Listener} listener */
export function openLine(auth, listener) {
  const socket = io("/citizen", {
    transports: ["websocket"], // polling would need every request to reach the same server process
    auth: (/** @type {(given: object) => void} */ give) => give(auth()),
    reconnectionDelay: 500,
    reconnectionDelayMax: 8000,
    timeout: 10_000,
  });
  socket.on("disconnect", (/** @type {string} */ why) => {
    listener.down();
    // The library reconnects by itself except when the server hung up.
    if (why === "io server disconnect") setTimeout(() => socket.connect(), AGAIN_AFTER_MS);
  });
  socket.on("connect_error", (/** @type {Error} */ error) => {
    if (!socket.active) listener.refused(error.message);
  });
  for (const name of WORDS) socket.on(name, (/** @type {any} */ data) => listener.heard(name, data));

  return {
    get connected() {
      return socket.connected;
    },
    /** Ask and await the answer. Rejects without one, and at once when not connected: the library would store it.
     *  @param {string} name @param {object} data @param {number} [ms] @returns {Promise<any>} */
    ask(name, data, ms = 8000) {
      if (!socket.connected) return Promise.reject(new Error("not connected"));
      return socket.timeout(ms).emitWithAck(name, data);
    },
    /** Say something that may be lost; false if there is no line. @param {string} name @param {object} data */
    tell(name, data) {
      return socket.connected && Boolean(socket.emit(name, data));
    },
    /** Try now instead of at the next turn. */
    hurry() {
      if (!socket.connected) socket.disconnect().connect();
    },
    rest() {
      socket.disconnect();
    },
    close() {
      socket.off();
      socket.disconnect();
    },
  };
}
