// @ts-check
import { html } from "htm/preact";
import { useEffect, useState } from "preact/hooks";
import * as actions from "./actions.js";
import * as api from "./api.js";
import * as clock from "./clock.js";
import { speak, t, zone } from "./i18n.js";
import { pressed } from "./keyboard.js";
import { draw, remembered, wear } from "./look.js";
import * as socket from "./socket.js";
import * as store from "./store.js";
import { Header } from "./ui/header.js";
import { Announcer, ConnectionBanner, Notices } from "./ui/notices.js";

void begin();

async function begin() {
  await speak(remembered().language);
  clock.start();
  addEventListener("keydown", pressed);
  draw(html`<${Supervisor} />`);
  if (!(await firstLook())) return;
  socket.start({ onReload: async () => { await firstLook(); }, onFresh: () => {}, onCaughtUp: () => {}, onSignedOut: actions.leave, watchBoard: true });
}

async function firstLook() {
  const sentAt = Date.now();
  try {
    const shot = await api.snapshot();
    clock.learn(shot.now, sentAt);
    zone.value = shot.me.agency.timezone;
    if (shot.me.language !== remembered().language || shot.me.theme !== remembered().theme) await wear(shot.me);
    store.tookBoard(await api.board());
    store.tookSnapshot(shot);
    document.title = `${t("board.title")} · ${shot.me.agency.name}`;
    return true;
  } catch (error) {
    const status = error instanceof api.Refused ? error.problem.status : 0;
    if (status === 401) location.replace(`/sign-in?next=${encodeURIComponent(location.pathname)}`);
    else store.setPhase(status === 403 || status === 404 ? "forbidden" : "error");
    return false;
  }
}

async function signOut() {
  await api.signOut().catch(() => null); // signed out already, or unreachable: the sign-in page tells
  location.assign("/sign-in");
}

function Supervisor() {
  const [part, setPart] = useState(/** @type {any} */ (null));
  useEffect(() => { void import("./ui/board.js").then((loaded) => setPart(() => loaded.Board)); }, []);
  const phase = store.phase.value;
  if (phase === "loading") return html`<main class="app-skeleton skeleton" aria-busy="true"><h1 class="hidden">${t("thread.loading")}</h1><i></i><i></i><i></i></main>`;
  if (phase !== "ready") return html`<main class="stopped"><h1>${t(`stopped.${phase}`)}</h1><p>${t(`stopped.${phase}.hint`)}</p>
    <div class="row-of-buttons"><a class="button primary" href="/sign-in?next=/supervisor">${t("sign_in.submit")}</a><a class="button" href="/agent">${t("header.console")}</a></div></main>`;
  return html`<nav class="skips" aria-label=${t("skip.title")}><a href="#figures">${t("skip.figures")}</a><a href="#agents">${t("skip.agents")}</a></nav>
    <${Header} page="board" signOut=${signOut} /><${ConnectionBanner} />
    ${part && store.board.value && html`<${part} board=${store.board.value} />`}<${Notices} /><${Announcer} />`;
}
