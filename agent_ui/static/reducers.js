// @ts-check
// Pure: the world before and what arrived give the world after. Nothing here reads a clock, the network or the page.

/** @param {World} world @param {Frame} frame @returns {{world: World, gap: boolean, fresh: Item[]}} */
export function applyFrame(world, frame) {
  if (frame.prev > world.last) return { world, gap: true, fresh: [] };
  const fresh = frame.items.filter((item) => item.pos > world.last);
  const after = fresh.reduce(applyItem, world);
  return { world: { ...after, last: Math.max(world.last, frame.pos) }, gap: false, fresh };
}

/** @param {World} world @param {Item} item @returns {World} */
export function applyItem(world, item) {
  let next = item.me && (!world.me || item.me.v > world.me.v) ? { ...world, me: item.me } : world;
  if (item.gone && item.ref) return forget(next, item.ref);
  if (item.ticket) next = putTicket(next, item.ticket);
  if (item.message) next = putMessage(next, item.message);
  if (item.offer) next = putOffer(next, item.offer);
  if (item.offer_ended) next = dropOffer(next, item.offer_ended.id);
  return next;
}

/** @param {World} world @param {TicketRow} row @returns {World} */
export function putTicket(world, row) {
  const before = world.tickets.get(row.ref);
  if (before && before.v >= row.v) return world;
  // A row made once for everybody does not know what is mine: my draft and my permissions stay until a row says otherwise.
  const whole = { ...row, draft: row.draft ?? before?.draft ?? false, can: row.can ?? before?.can ?? [] };
  const tickets = new Map(world.tickets).set(row.ref, whole);
  return { ...world, tickets, counts: recount(world, before, whole) };
}

/** @param {World} world @param {TicketRow | undefined} before @param {TicketRow | undefined} after @returns {Counts} */
function recount(world, before, after) {
  const counts = { ...world.counts };
  for (const view of /** @type {("mine" | "team" | "unassigned")[]} */ (["mine", "team", "unassigned"])) {
    const was = before !== undefined && inView(view, before, world.me);
    const is = after !== undefined && inView(view, after, world.me);
    counts[view] = Math.max(0, counts[view] + Number(is) - Number(was));
  }
  return counts;
}

/** @param {World} world @param {string} ref @returns {World} */
function forget(world, ref) {
  const tickets = new Map(world.tickets);
  tickets.delete(ref);
  const pages = new Map(world.pages);
  if (pages.has(ref)) pages.set(ref, { status: "missing", page: null, problem: null });
  return { ...world, tickets, pages, counts: recount(world, world.tickets.get(ref), undefined),
    offers: world.offers.filter((offer) => offer.ref !== ref) };
}

/** @param {World} world @param {string} ref @param {string[]} ids @returns {World} */
export function dropMessages(world, ref, ids) {
  const open = world.pages.get(ref);
  if (!open?.page?.messages.some((message) => ids.includes(message.id))) return world;
  const messages = open.page.messages.filter((message) => !ids.includes(message.id));
  return { ...world, pages: new Map(world.pages).set(ref, { ...open, page: { ...open.page, messages } }) };
}

/** A message that was moved leaves the page it stood on. @param {World} world @param {Message} message @returns {World} */
export function putMessage(world, message) {
  if (message.moved_from) world = dropMessages(world, message.moved_from, [message.id]);
  const open = world.pages.get(message.ref);
  if (!open?.page) return world;
  const messages = mergeMessages(open.page.messages, [message]);
  if (messages === open.page.messages) return world;
  return { ...world, pages: new Map(world.pages).set(message.ref, { ...open, page: { ...open.page, messages } }) };
}

/** What a fresh page would hold and does not has been moved away. @param {Message[]} have @param {Message[]} page @returns {Message[]} */
export function withoutGone(have, page) {
  const here = new Set(page.map((message) => message.id));
  const [first, last] = [page[0]?.seq ?? Infinity, page.at(-1)?.seq ?? -Infinity];
  return have.filter((message) => here.has(message.id) || message.seq < first || message.seq > last);
}

/** Newer versions win, order is the ticket's own. @param {Message[]} have @param {Message[]} come @returns {Message[]} */
export function mergeMessages(have, come) {
  const byId = new Map(have.map((message) => [message.id, message]));
  const news = come.filter((message) => message.v > (byId.get(message.id)?.v ?? -1));
  if (news.length === 0) return have;
  for (const message of news) byId.set(message.id, message);
  return [...byId.values()].sort((a, b) => a.seq - b.seq);
}

/** @param {World} world @param {Offer} offer @returns {World} */
function putOffer(world, offer) {
  const others = world.offers.filter((known) => known.id !== offer.id);
  return { ...world, offers: [...others, offer].sort((a, b) => a.created_at.localeCompare(b.created_at)) };
}

/** @param {World} world @param {number} id @returns {World} */
export function dropOffer(world, id) {
  if (!world.offers.some((offer) => offer.id === id)) return world;
  return { ...world, offers: world.offers.filter((offer) => offer.id !== id) };
}

/** @param {World} world @param {Snapshot} shot @returns {World} */
export function fromSnapshot(world, shot) {
  const tickets = new Map(shot.tickets.map((row) => [row.ref, row]));
  // A row that came by another way (a list, an open page) stays if it is newer than the snapshot's.
  for (const [ref, row] of world.tickets) if (row.v > (tickets.get(ref)?.v ?? -1)) tickets.set(ref, row);
  return { ...world, last: shot.pos, me: shot.me, offers: shot.offers, counts: counted(shot, tickets), tickets };
}

/** All of mine are here, so they are counted here; of the others the server may know more than it sends.
 * @param {Snapshot} shot @param {Map<string, TicketRow>} tickets @returns {Counts} */
function counted(shot, tickets) {
  const here = (/** @type {View} */ view) => [...tickets.values()].filter((row) => inView(view, row, shot.me)).length;
  return { ...shot.counts, mine: here("mine"), unassigned: Math.max(shot.counts.unassigned, here("unassigned")) };
}

/** @param {View} view @param {TicketRow} row @param {Me | null} me */
export function inView(view, row, me) {
  if (view === "closed") return row.status === "closed";
  if (row.status === "closed" || row.status === "cancelled") return false;
  if (view === "mine") return owner(row) !== null && owner(row)?.id === me?.id;
  return view === "team" || owner(row) === null;
}

/** Whom a ticket is offered to does not own it yet. @param {TicketRow} row */
export const owner = (row) => (row.status === "offered" ? null : row.owner);

/** Longest unanswered first, then those that wait for the citizen, newest change first. @param {TicketRow[]} rows */
export function longestFirst(rows) {
  return [...rows].sort((a, b) => {
    if (a.waiting_since && b.waiting_since) return a.waiting_since.localeCompare(b.waiting_since) || a.ref.localeCompare(b.ref);
    if (a.waiting_since || b.waiting_since) return a.waiting_since ? -1 : 1;
    return b.updated_at.localeCompare(a.updated_at) || a.ref.localeCompare(b.ref);
  });
}
