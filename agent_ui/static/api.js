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

/** @param {string} path @param {unknown} [body] @param {{method?: string, timeout?: number, key?: string, file?: File}} [how] @returns {Promise<any>} */
async function call(path, body, how = {}) {
  const method = how.method ?? (body === undefined ? "GET" : "POST");
  const response = await reach(path, {
    method,
    credentials: "same-origin",
    headers: { Accept: "application/json", ...(how.file ? { "Content-Type": how.file.type || "application/octet-stream" } : body === undefined ? {} : { "Content-Type": "application/json" }),
      ...(how.key ? { "Idempotency-Key": how.key } : {}) },
    body: how.file ?? (body === undefined ? undefined : JSON.stringify(body)),
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
export const write = ({ ref, client_msg_id, kind, text, expected_last_seq, send_anyway, endpoint_id, cc, bcc, subject, uploads }) =>
  call(`${at(ref)}/messages`, { client_msg_id, kind, text, expected_last_seq, send_anyway,
    ...(kind === "reply" ? { endpoint_id, cc, bcc, subject, uploads } : {}) }, { timeout: 5000, key: client_msg_id });
/** @param {string} ref @param {string} id @returns {Promise<{text: string}>} */
export const takeBack = (ref, id) => call(`${at(ref)}/messages/${id}/delivery`, undefined, { method: "DELETE" });
/** @param {string} ref @param {string} id @param {number} endpoint_id @param {string} client_msg_id @returns {Promise<Message>} */
export const resend = (ref, id, endpoint_id, client_msg_id) => call(`${at(ref)}/messages/${id}/resending`, { endpoint_id, client_msg_id });
/** @param {string} ref @param {string} id @returns {Promise<Message>} */
export const letIn = (ref, id) => call(`${at(ref)}/messages/${id}/acceptance`, {});
/** @param {string} ref @param {string[]} message_ids @param {string | null} to_ref @returns {Promise<{ref: string, message_ids: string[]}>} */
export const move = (ref, message_ids, to_ref) => call(`${at(ref)}/moves`, { message_ids, to_ref });
/** @param {string} ref @param {string} id @returns {Promise<{ref: string, message_ids: string[]}>} */
export const moveBack = (ref, id) => call(`${at(ref)}/moves/${id}`, undefined, { method: "DELETE" });
/** @param {number} contact @param {number} endpoint_id @param {"given" | "revoked"} state @returns {Promise<Contact>} */
export const settleConsent = (contact, endpoint_id, state) => call(`/api/contacts/${contact}/consents`, { endpoint_id, state });
/** @param {string} id @returns {Promise<{headers: {name: string, value: string}[]}>} */
export const headers = (id) => call(`/api/messages/${id}/headers`);
/** @returns {Promise<InboxHealth[]>} */
export const inboxes = () => call("/api/inboxes");
/** @param {string} slug @returns {Promise<InboxTest>} */
export const testInbox = (slug) => call(`/api/inboxes/${encodeURIComponent(slug)}/test`, {}, { timeout: 30000 });
/** @param {File} file @returns {Promise<{id: number, name: string, type: string, size: number}>} */
export const upload = (file) => call(`/api/uploads?name=${encodeURIComponent(file.name)}`, undefined, { method: "POST", file, timeout: 120000 });
/** @param {number} id */
export const takeUploadAway = (id) => call(`/api/uploads/${id}`, undefined, { method: "DELETE" });
/** @param {string} ref @param {string} text @param {number | null} endpoint_id @returns {Promise<Measure>} */
export const measure = (ref, text, endpoint_id) => call(`${at(ref)}/measure`, { text, endpoint_id });
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
/** @param {string} id @param {boolean} [pictures] */
export const mailPage = (id, pictures = false) => `/api/messages/${id}/body${pictures ? "?pictures=1" : ""}`;
/** @param {string} id */
export const originalPage = (id) => `/api/messages/${id}/original`;
/** @param {number} id */
export const picturePage = (id) => `/api/attachments/${id}/picture`;
/** @param {number} id */
export const filePage = (id) => `/api/attachments/${id}`;
