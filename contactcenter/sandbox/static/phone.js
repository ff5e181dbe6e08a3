// A phone: a thread with one number of the agency.

import { ask, byId, clock, el, fill, listen, oneAtATime, shown } from "./kit.js";
import { faultPanel, refreshFaults } from "./faults.js";

const thread = byId("thread");
const bubbles = new Map();
let world;
let phone = decodeURIComponent(location.pathname.split("/")[2] ?? "");

const WAYS = {
  receiving: "Not accepted yet, trying again",
  received: "Sent",
  failed: "Not sent: the desk did not take it",
  queued: "On its way",
  sent: "On its way",
  delivered: "",
};

async function begin() {
  world = await ask("world");
  choose(phone || world.phones[0]);
  fill(byId("agency"), world.numbers, world.numbers[0], shown);
  byId("peer").textContent = world.agency;
  byId("main").inert = false;
  listen(async (topic) => {
    if (topic === "" || topic === `phone:${phone}`) await refresh();
    await refreshFaults();
  });
}

function choose(number) {
  phone = number;
  history.replaceState(null, "", `/phone/${encodeURIComponent(number)}`);
  fill(byId("phone"), world.phones, number, shown);
  byId("own").textContent = shown(number);
  bubbles.clear();
  thread.replaceChildren();
  return refresh();
}

const refresh = oneAtATime(async () => {
  const asked = phone;
  const { texts, stopped } = await ask(`phone/${encodeURIComponent(asked)}/texts`);
  if (asked !== phone) return;
  byId("empty").hidden = texts.length > 0;
  byId("scroll").hidden = texts.length === 0;
  const before = bubbles.size;
  texts.forEach(show);
  if (bubbles.size > before) byId("scroll").scrollTop = byId("scroll").scrollHeight;
  say(stopped.length ? "This phone said stop: it gets no texts until it sends START." : "");
});

function show(text) {
  let bubble = bubbles.get(text.sid);
  if (!bubble) {
    bubble = el("li", { class: "bubble" }, el("p", { dir: "auto" }, text.body), el("small"));
    bubbles.set(text.sid, bubble);
    thread.append(bubble);
  }
  const refused = text.status === "undelivered" ? `Never reached this phone (${text.error_code})` : WAYS[text.status];
  bubble.classList.toggle("own", text.mine);
  bubble.classList.toggle("bad", ["undelivered", "failed", "receiving"].includes(text.status));
  const words = [clock(text.at), refused ?? text.status].filter(Boolean).join(" · ");
  if (bubble.lastChild.textContent !== words) bubble.lastChild.textContent = words;
}

function say(words) {
  if (byId("notice").textContent !== words) byId("notice").textContent = words;
}

async function send(event) {
  event.preventDefault();
  const body = byId("body").value.trim();
  if (!body) return;
  byId("body").value = "";
  const text = { to: byId("agency").value, body, times: byId("twice").checked ? 2 : 1 };
  try {
    await ask(`phone/${encodeURIComponent(phone)}/texts`, "POST", text);
    await refresh();
  } catch (error) {
    byId("body").value = body;
    say(`Not sent. ${error.message}`);
  }
}

byId("write").addEventListener("submit", send);
byId("body").addEventListener("keydown", (event) => {
  if (event.key === "Enter" && !event.shiftKey && !event.isComposing) {
    event.preventDefault();
    byId("write").requestSubmit();
  }
});
byId("phone").addEventListener("change", () => choose(byId("phone").value));
byId("other").addEventListener("submit", (event) => {
  event.preventDefault();
  choose(byId("number").value);
  byId("number").value = "";
  byId("body").focus();
});
faultPanel();
begin();
