// @ts-check
/** A chat from its start to its end: joins the line, the messages, the outbox and the frame around them. */

import { Attention } from "./attention.js";
import { Bubbles } from "./bubbles.js";
import { Composer } from "./composer.js";
import { askToLeave, ending, saveCopy } from "./ending.js";
import { Frame } from "./frame.js";
import { openLine } from "./line.js";
import { forget, keep } from "./memory.js";
import { Notices } from "./notices.js";
import { Outbox } from "./outbox.js";
import { joinTabs } from "./tabs.js";
import { Thread } from "./thread.js";
import { alarm, announce, byId, el, sayAgain, speak, t } from "./words.js";

/** @typedef {import("./app.js").Site} Site */
/** @typedef {import("./memory.js").Kept} Kept */
/** @typedef {{expired: () => void, barred: () => void, failed: () => void}} Exits */
/** @typedef {{status?: string, position?: number | null, adviser?: string | {name: string} | null, ref?: string | null,
 *             closure?: {sentence: string} | null, delivered?: number, read?: number}} State */

const TYPING_FADES_MS = 6000;
const NEXT_PLACE_MS = 60_000;
const ECHO_MS = 1000;
const AGAIN_MS = 5000;
const LATER = ["too_fast", "try_later"];
const EXPIRED = /token|session|signed_in/;
const OVER = ["closed", "resolved", "merged"];

/** @param {string} slug @param {Site} site @param {Kept} kept @param {Exits} exits */
export function openChat(slug, site, kept, exits) {
  new Chat(slug, site, kept, exits).open();
}

class Chat {
  /** @type {State} */
  state = {};
  /** @type {HTMLElement | null} */
  end = null;
  inUse = true;
  /** What was missed has been fetched: now the outbox may be sent. */
  caughtUp = false;
  left = false;
  reopening = false;
  /** The place last read out. */
  place = { n: Infinity, at: 0 };
  sentence = "";
  fading = 0;

  /** @param {string} slug @param {Site} site @param {Kept} kept @param {Exits} exits */
  constructor(slug, site, kept, exits) {
    this.slug = slug;
    this.site = site;
    this.kept = kept;
    this.exits = exits;
    this.line = openLine(() => ({ site: slug, token: kept.token, language: kept.language }), {
      down: () => this.lost(),
      refused: (code) => this.refused(code),
      heard: (name, data) => this.heard(name, data),
    });
    this.thread = new Thread((after) => this.line.ask("pull", { after }), (message) => this.added(message));
    this.outbox = new Outbox(kept.outbox, ({ client_msg_id, text }) => this.line.ask("send", { client_msg_id, text }),
      () => this.line.connected && this.caughtUp && this.inUse, (item, answer) => this.outboxChanged(item, answer));
    this.bubbles = new Bubbles((item) => this.outbox.again(item));
    this.frame = new Frame(site, {
      language: (code) => this.changeLanguage(code),
      download: () => this.download(),
      leave: () => this.leave(),
      here: () => this.useHere(),
    });
    this.notices = new Notices((key, params) => this.frame.tell(key, params));
    this.composer = new Composer({
      max: site.max_text, draft: kept.draft, enter: kept.enter,
      send: (text) => this.outbox.add(text),
      typing: () => this.line.tell("typing", {}),
      kept: (draft, enter) => this.remember({ draft, enter }),
    });
    this.attention = new Attention(site, (seen) => this.line.tell("seen", seen), () => this.lookAgain());
    this.tabs = joinTabs(kept.chat, { elsewhere: () => this.elsewhere(), token: (token) => this.remember({ token }) });
  }

  open() {
    const page = byId("page");
    page.className = "chat";
    page.replaceChildren(this.frame.head, this.frame.notices, el("h2", { id: "log-name", class: "unseen", said: "chat.thread" }),
      this.bubbles.box, this.frame.typing, this.composer.form);
    this.remember({});
    this.frame.tell(this.nothingYet());
    if (this.kept.ref) this.frame.refer(this.kept.ref);
    for (const item of this.kept.outbox) this.bubbles.show(item, false);
    this.composer.box.focus();
    this.tabs.useHere();
    this.notices.connecting();
  }

  nothingYet() {
    return this.thread.last || this.kept.ref || this.kept.outbox.length ? null : "chat.empty";
  }

  /** @param {Partial<Kept>} changes */
  remember(changes) {
    Object.assign(this.kept, changes);
    if (!this.left) this.frame.storage.hidden = keep(this.slug, this.kept);
  }

  /** @param {string} code */
  async changeLanguage(code) {
    await speak(code).catch(() => {}); // the words did not come: the old ones stay
    this.bubbles.readOut(false);
    sayAgain();
    this.attention.title();
    this.remember({ language: code });
    requestAnimationFrame(() => this.bubbles.readOut(true));
    if (!this.kept.ref) this.introduce();
  }

  // --- the line

  lost() {
    this.caughtUp = false;
    this.attention.forgetTold();
    for (const item of this.outbox.items) this.bubbles.show(item, false);
    if (!this.left) this.notices.lost();
  }

  /** @param {string} code */
  refused(code) {
    if (LATER.includes(code)) {
      setTimeout(() => this.line.hurry(), AGAIN_MS);
      return;
    }
    this.close();
    if (code === "barred") {
      forget(this.slug);
      this.exits.barred();
    } else if (EXPIRED.test(code)) this.exits.expired();
    else this.exits.failed();
  }

  /** @param {string} name @param {any} data */
  heard(name, data) {
    if (name === "session") this.joined(data);
    else if (name === "message") this.thread.hear(data);
    else if (name === "state") this.changed(data);
    else this.writes(data);
  }

  /** Connected: first what was missed, then what is still to be sent. @param {any} session */
  async joined(session) {
    this.notices.good(this.state.position, this.nothingYet());
    this.remember({ token: session.token });
    this.tabs.share(session.token);
    this.frame.opening(session.open ?? this.site.open, session.hours ?? "");
    this.frame.adviser(nameOf(this.state.adviser));
    if (session.ref) this.refer(session.ref);
    else await this.introduce();
    await this.thread.pull();
    if (session.ticket) this.changed({ ...this.state, ...session.ticket, status: session.ticket.status ?? session.ticket.state });
    this.caughtUp = true;
    this.outbox.run();
    this.attention.seen(this.thread.last);
    requestAnimationFrame(() => this.bubbles.readOut(true));
  }

  introduce() {
    const { name, topic, language } = this.kept;
    // Details only: where they do not get through, the next connect tells them again.
    return this.line.ask("start", { topic, language, ...(name && { name }) }).catch(() => {});
  }

  lookAgain() {
    if (this.left) return;
    if (this.line.connected) this.thread.pull();
    else this.line.hurry();
    this.attention.seen(this.thread.last);
  }

  // --- messages

  /** @param {import("./thread.js").Said} message */
  added(message) {
    if (message.client_msg_id) this.outbox.confirm(message.client_msg_id);
    this.bubbles.add(message);
    this.bubbles.reached(this.state.delivered ?? 0, this.state.read ?? 0);
    this.frame.untell("chat.empty");
    if (message.key === "received_ack" && message.params?.ref) this.refer(message.params.ref);
    if (message.from === "adviser") {
      this.frame.writes(null);
      this.attention.missed();
    }
    this.attention.seen(this.thread.last);
  }

  /** @param {import("./memory.js").Unsent} item @param {any} [answer] */
  outboxChanged(item, answer) {
    this.bubbles.show(item, this.line.connected);
    this.frame.untell("chat.empty");
    this.remember({ outbox: this.outbox.items });
    if (item.state === "failed") alarm("sent.alarm");
    if (!answer) return;
    if (answer.ref) this.refer(answer.ref);
    // Our own message comes back by the line with its number; where it does not, we fetch it.
    setTimeout(() => answer.seq > this.thread.last && this.thread.pull(), ECHO_MS);
  }

  /** @param {{name?: string | null}} data */
  writes(data) {
    clearTimeout(this.fading);
    this.frame.writes(data.name ?? t("chat.someone"));
    this.fading = setTimeout(() => this.frame.writes(null), TYPING_FADES_MS);
  }

  download() {
    saveCopy(this.site, this.kept.ref, this.thread.messages);
  }

  // --- the request

  /** @param {string} ref */
  refer(ref) {
    const before = this.kept.ref;
    if (before === ref) return;
    this.remember({ ref });
    this.frame.refer(ref);
    if (!before) return;
    this.bubbles.restart(); // the old request stayed closed, and a new one was opened
    this.thread.restart();
  }

  /** @param {State} now */
  changed(now) {
    this.state = now;
    if (now.ref) this.refer(now.ref);
    const adviser = nameOf(now.adviser);
    const over = OVER.includes(now.status ?? "");
    const place = adviser || over ? null : now.position ?? null;
    this.frame.adviser(adviser);
    this.frame.waiting(place);
    this.tellPlace(place);
    this.bubbles.reached(now.delivered ?? 0, now.read ?? 0);
    if (!over && this.reopening) {
      this.reopening = false;
      this.composer.relabel("compose.label");
    }
    if (over && !this.left && !this.reopening) this.finish(false);
    else if (!over && this.end && !this.left) this.goOn();
  }

  /** Read out when it gets better, at most once a minute. @param {number | null} n */
  tellPlace(n) {
    if (n === null || n >= this.place.n || Date.now() - this.place.at < NEXT_PLACE_MS) return;
    this.place = { n, at: Date.now() };
    announce("queue.number", { n });
  }

  // --- the end, and after it

  async leave() {
    if (this.end || !(await askToLeave(this.outbox.items.length))) return;
    await this.line.ask("leave", {}, 2000).catch(() => {}); // without an answer the visitor leaves all the same
    this.left = true;
    forget(this.slug);
    this.outbox.items.length = 0;
    this.notices.quiet();
    this.frame.tell(null);
    this.line.rest();
    this.finish(true);
  }

  /** @param {boolean} byVisitor */
  finish(byVisitor) {
    const line = this.thread.messages.findLast((each) => each.key === "closed");
    const sentence = byVisitor ? "" : this.state.closure?.sentence ?? line?.params?.sentence ?? "";
    if (this.end && sentence === this.sentence) return;
    this.end?.remove();
    this.sentence = sentence;
    const heldFocus = byVisitor || this.composer.form.contains(document.activeElement);
    this.end = ending({
      sentence, byVisitor, ref: this.kept.ref,
      again: () => this.writeAgain(), download: () => this.download(), fresh: () => this.fresh(),
    });
    this.frame.waiting(null);
    this.frame.writes(null);
    this.composer.form.before(this.end);
    this.composer.form.hidden = this.frame.leave.hidden = true;
    if (heldFocus) this.end.querySelector("h2")?.focus();
  }

  /** "This did not solve it": what is written next opens the request again. */
  writeAgain() {
    this.reopening = true;
    if (this.left) {
      this.left = false;
      this.remember({});
      this.line.hurry();
    }
    this.goOn();
    this.composer.relabel("compose.label_again");
    this.composer.box.focus();
  }

  goOn() {
    this.end?.remove();
    this.end = null;
    this.composer.form.hidden = this.frame.leave.hidden = false;
  }

  fresh() {
    this.close();
    forget(this.slug);
    location.reload();
  }

  close() {
    this.notices.quiet();
    this.attention.close();
    this.line.close();
    this.tabs.close();
  }

  // --- other tabs

  elsewhere() {
    this.inUse = false;
    this.composer.allow(false);
    this.frame.elsewhere.hidden = false;
  }

  useHere() {
    this.inUse = true;
    this.composer.allow(true);
    this.frame.elsewhere.hidden = true;
    this.tabs.useHere();
    this.outbox.run();
    this.composer.box.focus();
  }
}

/** @param {State["adviser"]} adviser @returns {string | null} */
function nameOf(adviser) {
  return (typeof adviser === "object" ? adviser?.name : adviser) ?? null;
}
