// Pictures that go with a text.

import { byId, el } from "./kit.js";

const MOST = 5 * 1024 * 1024;
let chosen = [];

/** @param {(words: string) => void} say tells what is wrong with a file */
export function picker(say) {
  byId("files").addEventListener("change", async () => {
    const picked = [...byId("files").files];
    byId("files").value = "";
    const size = [...chosen, ...picked].reduce((sum, one) => sum + one.size, 0);
    if (size > MOST || chosen.length + picked.length > 10) return say("At most 10 files and 5 MB together.");
    say("");
    chosen.push(...(await Promise.all(picked.map(read))));
    show();
  });
}

export const chosenFiles = () => chosen.map(({ type, data }) => ({ type, data }));

export function forgetFiles() {
  chosen = [];
  show();
}

function read(file) {
  return new Promise((done, failed) => {
    const reader = new FileReader();
    reader.onload = () => done({ name: file.name, size: file.size, type: file.type, data: reader.result.split(",")[1] ?? "" });
    reader.onerror = () => failed(reader.error);
    reader.readAsDataURL(file);
  });
}

function show() {
  byId("chosen").replaceChildren(
    ...chosen.map((one) => {
      const away = el("button", { type: "button", class: "quiet", "aria-label": `Remove ${one.name}` }, "×");
      away.addEventListener("click", () => {
        chosen = chosen.filter((other) => other !== one);
        show();
        byId("body").focus();
      });
      return el("li", {}, el("span", {}, one.name), away);
    }),
  );
}
