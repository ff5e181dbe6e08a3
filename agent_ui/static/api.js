// @ts-check
// The only caller of fetch. Every function answers with data or throws a Refused (the server said no) or Unreached.

export class Refused extends Error {
  /** @param {Problem} problem */
  constructor(problem) {
    super(problem.detail || problem.title);
    this.problem = problem;
  }
}

/** No answer: the request may or may not have arrived. */
export class Unreached extends Error {}

/** @param {string} path @param {unknown} [body] @param {{method?: string, timeout?: number, key?: string}} [how] @returns {Promise<any>} */
async function call(path, body, how = {}) {
  const method = how.method ?? (body === undefined ? "GET" : "POST");
  const response = await reach(path, {
    method,
    credentials: "same-origin",
    headers: { Accept: "application/json", ...(body === undefined ? {} : { "Content-Type": "application/json" }),
      ...(how.key ? { "Idempotency-Key": how.key } : {}) },
    body: body === undefined ? undefined : JSON.stringify(body),
    signal: AbortSignal.timeout(how.timeout ?? 15000),
  });
  if (response.status === 204) return null;
  const answer = await response.json().catch(() => null);
  if (response.ok && answer !== null) return answer;
  // A proxy's 502 or 504 says nothing about whether the desk has acted.
  if (response.status >= 500) throw new Unreached(`HTTP ${response.status}`);
  throw new Refused(problemOf(response, answer));
}

/** @param {string} path @param {RequestInit} request */
async function reach(path, request) {
  try {
    return await fetch(path, request);
  } catch (error) {
    throw new Unreached(String(error));
  }
}

/** @param {Response} response @param {any} answer @returns {Problem} */
function problemOf(response, answer) {
  const known = answer && typeof answer === "object" && !Array.isArray(answer.detail) ? answer : {};
  const slug = String(known.type ?? "").split("/").pop() || `status-${response.status}`;
  const wait = Number(response.headers.get("Retry-After")) || undefined;
  return { type: "", title: "", detail: "", ...known, slug, status: response.status, retry_after: wait };
}

const at = (/** @type {string} */ ref) => `/api/tickets/${encodeURIComponent(ref)}`;

/** @param {string} language @returns {Promise<Record<string, any>>} */
export const catalogue = (language) => call(new URL(`i18n/${language}.json`, import.meta.url).pathname);
/** @param {string} username @param {string} password @returns {Promise<Me>} */
export const signIn = (username, password) => call("/api/session", { username, password });
export const signOut = () => call("/api/session", undefined, { method: "DELETE" });
/** @returns {Promise<Me>} */
export const whoAmI = () => call("/api/me");
/** @param {Intent} intent @param {string} [reason] @returns {Promise<Me>} */
export const setIntent = (intent, reason) => call("/api/me/intent", { intent, reason }, { method: "PUT" });
/** @param {{language?: string, theme?: string}} wanted @returns {Promise<Me>} */
export const setPreferences = (wanted) => call("/api/me/preferences", wanted, { method: "PUT" });
/** @returns {Promise<{ticket: string}>} */
export const socketTicket = () => call("/api/socket-tickets", {});
/** @returns {Promise<Snapshot>} */
export const snapshot = () => call("/api/snapshot");
/** @param {View} view @param {string | null} after @returns {Promise<{pos: number, tickets: TicketRow[], next: string | null}>} */
export const tickets = (view, after) => call(`/api/tickets?view=${view}${after ? `&after=${encodeURIComponent(after)}` : ""}`);
/** @param {string} ref @returns {Promise<TicketPage>} */
export const ticket = (ref) => call(at(ref));
/** @param {string} ref @param {number} before @returns {Promise<{messages: Message[], more: boolean}>} */
export const earlier = (ref, before) => call(`${at(ref)}/messages?before=${before}`);
/** @param {Unsent} unsent @returns {Promise<Message>} */
export const write = ({ ref, client_msg_id, kind, text, expected_last_seq, send_anyway }) =>
  call(`${at(ref)}/messages`, { client_msg_id, kind, text, expected_last_seq, send_anyway }, { timeout: 5000, key: client_msg_id });
/** @param {string} ref @param {string} text @returns {Promise<Measure>} */
export const measure = (ref, text) => call(`${at(ref)}/measure`, { text });
/** @param {string} ref @param {Draft} draft @returns {Promise<null>} */
export const saveDraft = (ref, draft) => call(`${at(ref)}/draft`, draft, { method: "PUT" });
/** @param {string} ref @returns {Promise<TicketRow>} */
export const take = (ref) => call(`${at(ref)}/assignment`, {});
/** @param {string} ref @param {{queue?: string, staff_id?: number, note: string}} wanted @returns {Promise<TicketRow>} */
export const transfer = (ref, wanted) => call(`${at(ref)}/transfers`, wanted);
/** @param {string} ref @param {string} reason @param {string} sentence @returns {Promise<TicketRow>} */
export const close = (ref, reason, sentence) => call(`${at(ref)}/closure`, { reason, sentence });
/** @param {string} ref @param {string} why @returns {Promise<TicketRow>} */
export const reopen = (ref, why) => call(`${at(ref)}/reopening`, { why });
/** @param {string} ref @returns {Promise<Waiting>} */
export const waiting = (ref) => call(`${at(ref)}/waiting`);
/** @param {number} id @returns {Promise<TicketRow>} */
export const accept = (id) => call(`/api/offers/${id}/acceptance`, {});
/** @param {number} id @param {string} reason @returns {Promise<null>} */
export const decline = (id, reason) => call(`/api/offers/${id}/refusal`, { reason });
/** @returns {Promise<QueueChoice[]>} */
export const queues = () => call("/api/queues");
/** @returns {Promise<Board>} */
export const board = () => call("/api/board");
/** @param {string} id */
export const mailPage = (id) => `/api/messages/${id}/body`;
/** @param {number} id */
export const filePage = (id) => `/api/attachments/${id}`;
