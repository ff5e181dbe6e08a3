// A phone: a thread with the numbers of the agency.

import { ask, byId, clock, el, fill, listen, oneAtATime, shown } from "./kit.js";
import { faultPanel, refreshFaults } from "./faults.js";
import { chosenFiles, forgetFiles, picker } from "./pictures.js";

const thread = byId("thread");
const bubbles = new Map();
let world;
let phone = decodeURIComponent(location.pathname.split("/")[2] ?? "");

const LANGUAGES = { en: "English", es: "Español" };
const CODES = {
  21211: "no such number",
  21408: "a country that is not allowed",
  21610: "said stop elsewhere",
  21612: "no route",
  21614: "not a mobile",
  30003: "switched off",
  30005: "does not exist",
  30006: "a landline",
  30007: "a carrier’s filter",
};

async function begin() {
  world = await ask("world");
  choose(phone || world.phones[0]);
  fill(byId("agency"), world.numbers, world.numbers[0], shown);
  offerExamples(world.examples);
  offerFailing(world.failing);
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

/** Examples in each language that citizens of the demo speak. */
function offerExamples(examples) {
  for (const language of new Set(examples.map((one) => one.language))) {
    const group = el("optgroup", { label: LANGUAGES[language] ?? language, lang: language });
    const texts = examples.filter((one) => one.language === language).slice(0, 8);
    group.append(...texts.map(({ text }) => el("option", { value: text }, text.length > 60 ? `${text.slice(0, 60)}…` : text)));
    byId("example").append(group);
  }
}

function offerFailing(failing) {
  const rows = Object.entries(failing).map(([number, code]) => {
    const use = el("button", { type: "button", class: "quiet", "aria-label": `Use ${shown(number)}` }, shown(number));
    use.addEventListener("click", () => choose(number));
    return el("li", {}, use, el("span", {}, `${CODES[code] ?? "fails"} (${code})`));
  });
  byId("failing").replaceChildren(...rows);
}

const refresh = oneAtATime(async () => {
  const asked = phone;
  const { texts, stopped } = await ask(`phone/${encodeURIComponent(asked)}/texts`);
  if (asked !== phone) return;
  byId("empty").hidden = texts.length > 0;
  byId("scroll").hidden = texts.length === 0;
  const before = bubbles.size;
  texts.forEach(show);
  byId("stopped").hidden = stopped.length === 0;
  if (bubbles.size > before) toNewest();
});

const toNewest = () => (byId("scroll").scrollTop = byId("scroll").scrollHeight);

function show(text) {
  const known = bubbles.get(text.sid);
  const bubble = known ?? el("li", { class: "bubble" }, el("p", { dir: "auto" }, text.body), el("small"));
  if (!known) {
    bubble.firstChild.hidden = !text.body;
    bubbles.set(text.sid, bubble);
    thread.append(bubble);
  }
  if (text.files.length && !bubble.querySelector(".files")) bubble.prepend(files(text));
  bubble.classList.toggle("own", text.mine);
  bubble.classList.toggle("bad", ["undelivered", "failed", "receiving"].includes(text.status));
  const words = [clock(text.at), text.mine ? out(text) : back(text)].filter(Boolean).join(" · ");
  if (bubble.lastChild.textContent !== words) bubble.lastChild.textContent = words;
}

function files(text) {
  const shownAs = ({ sid, type }) => {
    const address = `/sandbox/media/${sid}`;
    const what = type.startsWith("image/") ? el("img", { src: address, alt: "A picture" }) : "A file";
    if (what.addEventListener) what.addEventListener("load", toNewest); // its height was not known before
    return el("a", { href: address, target: "_blank", rel: "noopener" }, what);
  };
  return el("div", { class: "files" }, ...text.files.map(shownAs));
}

/** What became of a text from this phone. */
function out(text) {
  if (text.status === "receiving") return "Not accepted yet, trying again";
  if (text.status === "failed") return "Not sent: the desk did not take it";
  if (text.told === "listed") return "Sent, the desk found it in the phone company's list";
  return text.accepted ? "Sent, the desk has it" : "Sent, but the desk was not told";
}

/** What became of a text to this phone, and whether the desk took the report of it. */
function back(text) {
  if (text.by_provider) return "from the phone company";
  const known = text.told === text.status ? "the desk knows" : "the desk does not know yet";
  if (text.status === "undelivered") return `Never reached this phone (${text.error_code}) · ${known}`;
  if (text.status === "delivered" || text.status === "read") return known;
  return "On its way";
}

function say(words) {
  if (byId("notice").textContent !== words) byId("notice").textContent = words;
}

async function send(body, chosen = []) {
  const text = { to: byId("agency").value, body, times: byId("twice").checked ? 2 : 1, files: chosen };
  await ask(`phone/${encodeURIComponent(phone)}/texts`, "POST", text);
  say("");
  await refresh();
}

async function submit(event) {
  event.preventDefault();
  const body = byId("body").value.trim();
  const chosen = chosenFiles();
  if (!body && !chosen.length) return;
  byId("body").value = "";
  try {
    await send(body, chosen);
    forgetFiles();
  } catch (error) {
    byId("body").value = body;
    say(`Not sent. ${error.message}`);
  }
}

byId("write").addEventListener("submit", submit);
byId("body").addEventListener("keydown", (event) => {
  if (event.key === "Enter" && !event.shiftKey && !event.isComposing) {
    event.preventDefault();
    byId("write").requestSubmit();
  }
});
for (const button of document.querySelectorAll("[data-word]")) {
  button.addEventListener("click", () => send(button.dataset.word).catch((error) => say(`Not sent. ${error.message}`)));
}
byId("example").addEventListener("change", () => {
  byId("body").value = byId("example").value;
  byId("example").value = "";
  byId("body").focus();
});
byId("phone").addEventListener("change", () => choose(byId("phone").value));
byId("other").addEventListener("submit", (event) => {
  event.preventDefault();
  choose(byId("number").value);
  byId("number").value = "";
  byId("body").focus();
});
picker(say);
faultPanel();
begin();
