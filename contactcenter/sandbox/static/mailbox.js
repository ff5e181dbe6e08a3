// A mailbox: conversations, one of them open, and a sheet to write on.

import { ask, byId, clock, el, fill, listen, oneAtATime } from "./kit.js";

let world;
let mailbox = decodeURIComponent(location.pathname.split("/")[2] ?? "");
let letters = [];
let open = null; // thread, or null while a new mail is written

async function begin() {
  world = await ask("world");
  byId("agency").replaceChildren(...world.addresses.map((value) => el("option", { value })));
  await choose(mailbox || world.mailboxes[0]);
  byId("main").inert = false;
  listen(async (topic) => {
    if (topic === "" || topic === `mailbox:${mailbox}`) await refresh();
  });
}

async function choose(address) {
  mailbox = address.toLowerCase();
  history.replaceState(null, "", `/mailbox/${encodeURIComponent(mailbox)}`);
  fill(byId("mailbox"), world.mailboxes, mailbox);
  open = null;
  await refresh();
  const newest = letters.at(-1);
  if (newest) read(newest.thread);
  else write();
}

const refresh = oneAtATime(async () => {
  const asked = mailbox;
  const answer = await ask(`mailbox/${encodeURIComponent(asked)}`);
  if (asked !== mailbox) return;
  letters = answer.letters;
  byId("empty").hidden = letters.length > 0;
  showList();
  if (open) showThread();
});

function showList() {
  const newest = new Map();
  for (const letter of letters) {
    newest.delete(letter.thread);
    newest.set(letter.thread, letter);
  }
  const focused = document.activeElement?.dataset?.thread;
  byId("list").replaceChildren(...[...newest.values()].reverse().map(entry));
  if (focused) [...byId("list").querySelectorAll("button")].find((one) => one.dataset.thread === focused)?.focus();
}

function entry(letter) {
  const button = el(
    "button",
    { type: "button", "data-thread": letter.thread, "aria-current": letter.thread === open && "true" },
    el("strong", {}, letter.subject || "(no subject)"),
    el("span", {}, `${clock(letter.at)} · ${letter.direction === "out" ? "You" : letter.sender}`),
  );
  button.addEventListener("click", () => {
    read(letter.thread);
    byId("title").focus();
  });
  return el("li", {}, button);
}

function read(thread) {
  open = thread;
  byId("letters").replaceChildren();
  byId("compose-title").textContent = "Reply";
  byId("to-field").hidden = byId("subject-field").hidden = true;
  byId("compose").hidden = false;
  showThread();
  showList();
}

function showThread() {
  const mine = letters.filter((letter) => letter.thread === open);
  byId("title").textContent = mine[0]?.subject || "(no subject)";
  const list = byId("letters");
  for (const letter of mine) {
    const there = [...list.children].find((item) => item.dataset.id === String(letter.id));
    if (!there) list.append(sheet(letter));
    else if (there.dataset.status !== letter.status) there.replaceWith(sheet(letter));
  }
}

function sheet(letter) {
  const out = letter.direction === "out";
  return el(
    "li",
    { class: `letter${out ? " own" : ""}`, "data-id": letter.id, "data-status": letter.status },
    el("header", {}, el("strong", {}, out ? "You" : letter.sender), el("span", {}, clock(letter.at))),
    details(letter, out),
    el("p", { class: "text", dir: "auto" }, letter.text),
  );
}

function details(letter, out) {
  const lines = [["To", letter.recipient]];
  if (!out) lines.push(["Envelope sender", letter.envelope_from || "empty: no answer wanted"]);
  if (letter.reply_to) lines.push(["Replies go to", letter.reply_to]);
  if (letter.automatic) lines.push(["Kind", "automatic"]);
  if (out && letter.status !== "sent") {
    lines.push(["State", letter.status === "waiting" ? "not accepted yet, trying again" : letter.status]);
  }
  return el("dl", {}, ...lines.flatMap(([name, value]) => [el("dt", {}, name), el("dd", {}, value)]));
}

function write() {
  open = null;
  byId("title").textContent = "New mail";
  byId("letters").replaceChildren();
  byId("compose-title").textContent = "To the agency";
  byId("to-field").hidden = byId("subject-field").hidden = false;
  byId("compose").hidden = false;
  byId("to").value = world.addresses[0] ?? "";
  byId("subject").value = "";
  showList();
}

function composed() {
  const text = byId("text").value;
  if (open === null) return { to: byId("to").value.trim(), subject: byId("subject").value, text };
  const mine = letters.filter((letter) => letter.thread === open);
  const last = mine.filter((letter) => letter.direction === "in").at(-1) ?? mine.at(-1);
  const to = last.direction === "in" ? bare(last.reply_to || last.sender) : last.recipient;
  const subject = /^re:/i.test(last.subject) ? last.subject : `Re: ${last.subject}`;
  const known = [...last.refs, last.in_reply_to].filter((id, at, all) => id && all.indexOf(id) === at);
  return { to, subject, text, in_reply_to: last.message_id, references: known.slice(-10) };
}

const bare = (address) => /<([^<>]+)>\s*$/.exec(address)?.[1] ?? address;

async function send(event) {
  event.preventDefault();
  const button = byId("compose").querySelector("button");
  button.disabled = true;
  byId("notice").textContent = "";
  try {
    const letter = await ask(`mailbox/${encodeURIComponent(mailbox)}`, "POST", composed());
    byId("text").value = "";
    const stays = open === letter.thread;
    await refresh();
    if (!stays) read(letter.thread);
  } catch (error) {
    byId("notice").textContent = `Not sent. ${error.message}`;
  } finally {
    button.disabled = false;
  }
}

byId("compose").addEventListener("submit", send);
byId("new").addEventListener("click", () => {
  write();
  byId("subject").focus();
});
byId("mailbox").addEventListener("change", () => choose(byId("mailbox").value));
byId("other").addEventListener("submit", async (event) => {
  event.preventDefault();
  await choose(byId("address").value);
  byId("address").value = "";
});
begin();
