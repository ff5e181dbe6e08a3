// @ts-check
import { html } from "htm/preact";

// Own drawings on a 24 grid, one stroke weight. An icon is decoration: the word always stands beside it.
/** @type {Record<string, string>} */
const PATHS = {
  bubble: "M5 5h14a2 2 0 0 1 2 2v7a2 2 0 0 1-2 2h-7l-5 4v-4H5a2 2 0 0 1-2-2V7a2 2 0 0 1 2-2z",
  envelope: "M4 6h16a1 1 0 0 1 1 1v10a1 1 0 0 1-1 1H4a1 1 0 0 1-1-1V7a1 1 0 0 1 1-1zM3.5 7l8.5 6 8.5-6",
  phone: "M8 3h8a1.5 1.5 0 0 1 1.500 1.500v15a1.500 1.500 0 0 1-1.500 1.500H8a1.500 1.500 0 0 1-1.500-1.500v-15A1.500 1.500 0 0 1 8 3zM11 18h2",
  inbox: "M4 13l2.500-8h11L20 13v6H4zM4 13h5l1.500 2.500h3L15 13h5",
  people: "M9 11a3.500 3.500 0 1 0 0-7 3.500 3.500 0 0 0 0 7zM3 20c0-3.500 2.500-6 6-6s6 2.500 6 6M16 4.500a3.500 3.500 0 0 1 0 6M17.500 14.500c2.200.8 3.500 2.800 3.500 5.500",
  person: "M12 11a4 4 0 1 0 0-8 4 4 0 0 0 0 8zM5 21c0-4 3-7 7-7s7 3 7 7",
  tray: "M4 5h16v14H4zM4 10h16M9 5v5",
  check: "M4.500 12.500l5 5 10-11",
  checks: "M2.500 12.500l4.500 4.500 8.500-10M10 16l1.500 1.500 10-11",
  clock: "M12 21a9 9 0 1 0 0-18 9 9 0 0 0 0 18zM12 7v5l3.500 2",
  cross: "M6 6l12 12M18 6L6 18",
  chevron: "M6 9l6 6 6-6",
  back: "M15 5l-7 7 7 7",
  lock: "M6 11h12v9H6zM8.500 11V8a3.500 3.500 0 0 1 7 0v3",
  warning: "M12 4l9 16H3zM12 10v4.500M12 17.300v.2",
  swap: "M4 8h14l-4-4M20 16H6l4 4",
  send: "M4 12l16-8-5 17-3.500-7zM11.500 14L20 4",
  hand: "M7 12V6.500a1.500 1.500 0 0 1 3 0V11 5a1.500 1.500 0 0 1 3 0v6-5a1.500 1.500 0 0 1 3 0v7c0 5-2 8-5.500 8S6 19.500 4 15.500c-.8-1.500 1.500-2.500 3-.5z",
  panel: "M3 5h18v14H3zM15 5v14",
  board: "M4 20V10M10 20V4M16 20v-7M21 20H3",
  clip: "M19 11l-7.500 7.500a4.500 4.500 0 0 1-6.500-6.500L13 4.500a3 3 0 0 1 4.500 4.300l-7.800 7.700a1.500 1.500 0 0 1-2.200-2L14 8.500",
  copy: "M9 9h11v11H9zM15 9V4H4v11h5",
  info: "M12 21a9 9 0 1 0 0-18 9 9 0 0 0 0 18zM12 11v5.500M12 7.500v.2",
  undo: "M8 4L4 8l4 4M4 8h9a6 6 0 0 1 0 12H8",
  out: "M10 4H5v16h5M14 8l4 4-4 4M18 12H9",
  question: "M12 21a9 9 0 1 0 0-18 9 9 0 0 0 0 18zM9.300 9.500a2.700 2.700 0 1 1 4 2.400c-.9.5-1.300 1-1.300 2M12 16.800v.2",
  dots: "M4.500 12a1 1 0 1 0 2 0 1 1 0 1 0-2 0zM11 12a1 1 0 1 0 2 0 1 1 0 1 0-2 0zM17.500 12a1 1 0 1 0 2 0 1 1 0 1 0-2 0z",
  picture: "M4 5h16v14H4zM4 16l5-5 4 4 3-3 4 4M15 9v.1",
  gear: "M7 4h10l4 8-4 8H7l-4-8zM12 15a3 3 0 1 0 0-6 3 3 0 0 0 0 6z",
  list: "M9 6h11M9 12h11M9 18h11M4.500 6v.1M4.500 12v.1M4.500 18v.1",
  link: "M10 14a4 4 0 0 0 6 .500l3-3a4 4 0 0 0-5.700-5.700l-1.500 1.500M14 10a4 4 0 0 0-6-.500l-3 3a4 4 0 0 0 5.700 5.700l1.500-1.500",
  note: "M5 4h14v10l-6 6H5zM13 20v-6h6",
};

/** @param {{name: string, size?: number}} given */
export function Icon({ name, size = 16 }) {
  return html`<svg class="icon" width=${size} height=${size} viewBox="0 0 24 24" aria-hidden="true"><path d=${PATHS[name] ?? ""} /></svg>`;
}

/** A channel looks like what it can do, so that a new one needs no drawing here. @param {ChannelInfo | undefined} channel */
export const channelIcon = (channel) => (channel?.live ? "bubble" : channel?.html ? "envelope" : "phone");
