// The shapes that travel between the server and its screens. Times are ISO-8601 in UTC.

type View = "mine" | "team" | "unassigned" | "closed";
type Intent = "available" | "away" | "offline";
type Params = Record<string, string | number | null | undefined>;

interface Problem { type: string; slug: string; title: string; status: number; detail: string; reason?: string; why?: string;
  changes?: Message[]; limit?: number; count?: number; retry_after?: number }
interface Named { id: number; name: string }
interface QueueName { slug: string; name: string }
interface ChannelLoad { channel: string; items: number; cap: number }
interface Capacity { budget: number; primary_units: number; filler_units: number; channels: ChannelLoad[] }
interface Me { id: number; name: string; username: string; role: "agent" | "supervisor" | "admin"; language: "en" | "es";
  theme: "system" | "light" | "dark"; agency: { name: string; timezone: string; languages: string[] };
  intent: Intent; away_reason: string | null; next_intent: Intent | null; state: string; capacity: Capacity;
  queues: QueueName[]; can: string[]; v: number }
interface ChannelInfo { name: string; live: boolean; pace: string; html: boolean; files: boolean; subjects: boolean; copies: boolean;
  metered: boolean; max_text: number }
interface Closure { reason: string; sentence: string; at: string }
interface TicketRow { ref: string; subject: string; preview: string; preview_from: "citizen" | "staff" | "system" | "note";
  channel: string; language: string | null; queue: QueueName; contact: Named; address: string; status: string; owner: Named | null;
  priority: number; vulnerable: boolean; unservable: boolean; waiting_since: string | null; due_at: string | null; next_action_at: string | null;
  promised_at: string | null; last_seq: number; v: number; created_at: string; updated_at: string; closure: Closure | null;
  maybe: { ref: string; why: string | null } | null; linked: string | null; quiet: boolean; question: Question | null;
  draft?: boolean; can: string[] }
interface Question { choices: { number: number; ref: string | null; label: string }[]; expires_at: string }
interface SendError { kind: string; code: string | null; text: string | null; advice: string }
interface Copy { address: string; role: "to" | "cc" | "bcc"; state: string; word: string; error: SendError | null }
interface Delivery { state: string; word: string; error: SendError | null; maybe_duplicate: boolean; endpoint_id: number;
  undo_until: string | null; delayed_at: string | null; retry_at: string | null; until: string; copies: Copy[] }
interface AttachedFile { id: number; name: string; type: string; size: number; state: "stored" | "pending" | "failed";
  scan: "skipped" | "pending" | "clean" | "infected"; inline: boolean; picture: boolean }
interface Addressee { address: string; name: string }
interface Recipients { to: Addressee[]; cc: Addressee[]; bcc: Addressee[] }
interface Message { id: string; ref: string; seq: number; direction: "in" | "out" | "internal"; kind: "message" | "note" | "line";
  author: { kind: "citizen" | "staff" | "system"; id?: number; name: string; address: string | null }; channel: string; subject: string | null; text: string;
  text_full: string | null; trim_confidence: number; html: boolean; pictures: number; original: boolean; language: string | null; at: string; visibility: "public" | "internal" | "held";
  automation: string; auth: "pass_aligned" | "fail" | "none" | "unknown"; signals: string[]; forwarded: boolean; truncated: boolean;
  moved_from: string | null; recipients: Recipients; files: AttachedFile[]; client_msg_id: string | null;
  line: { key: string; params: Params } | null; delivery: Delivery | null; v: number }
interface Offer { id: number; ref: string; ticket: TicketRow; created_at: string; expires_at: string; because: string }
interface Endpoint { id: number; kind: string; shown: string; proof: string; level: string;
  consent: "given" | "revoked" | "implied" | "doubted"; bad: boolean }
interface Contact { id: number; name: string; language: string | null; endpoints: Endpoint[]; tickets: TicketRow[] }
interface Draft { text: string; kind: "reply" | "note" }
interface Way { id: number; kind: string; channel: string; shown: string; may: boolean; why: string | null; warn: string | null;
  claimed: boolean; is_reply_to: boolean }
interface Compose { can_reply: boolean; why_not: string | null; channel: string; to: string; max_text: number; endpoints: Way[];
  copies: boolean; subject: string | null; cc: string[]; metered: boolean; undo_s: number; warn: string | null }
interface TicketPage { pos: number; ticket: TicketRow; messages: Message[]; more: boolean; contact: Contact; because: string | null;
  draft: Draft | null; compose: Compose }
interface Counts { mine: number; team: number; unassigned: number }
interface Snapshot { pos: number; now: string; me: Me; channels: ChannelInfo[]; offers: Offer[]; tickets: TicketRow[]; counts: Counts;
  closure_reasons: string[]; refusal_reasons: string[]; away_reasons: string[] }
interface Item { pos: number; type: string; at: string; ref: string | null; actor: { kind: string; id: number | null; name: string };
  ticket: TicketRow | null; gone: boolean; message: Message | null; offer: Offer | null; offer_ended: { id: number; result: string } | null;
  me: Me | null; data: Record<string, unknown> }
interface Frame { prev: number; pos: number; items: Item[] }
interface Measure { parts: number; units: number; encoding: string | null; limit: number; warnings: string[];
  cost: number | null; currency: string; dear: string[]; plain: string; plain_parts: number | null }
interface Waiting { sentence: string; position: number | null; of: number | null;
  eligible: Record<string, number>; unservable: boolean; expected: { sentence: string } | null; people: { id: number; name: string; sentence: string }[] }
interface QueueChoice { slug: string; name: string; open: boolean; waiting: number; free_agents: number; staff: Named[] }

interface Ratio { hits: number; decisions: number; pct: number | null; target_pct?: number; threshold_s?: number }
interface Figures { waiting: number; on_offer: number; oldest_since: string | null; offered_today: number; answered_today: number;
  abandoned_today: number; asa_s: number | null; sl: Ratio; sl30: Ratio }
interface BoardLine extends Figures { channel: string }
interface BoardQueue { slug: string; name: string; open: boolean; channels: BoardLine[] }
interface BoardAgent { id: number; name: string; state: string; since: string; intent: Intent; away_reason: string | null;
  primary_units: number; filler_units: number; budget: number; items: ChannelLoad[] }
interface Board { pos: number; at: string; today_since: string; queues: BoardQueue[]; totals: Figures;
  agents: { by_state: Record<string, number>; list: BoardAgent[] }; formulas: Record<string, string> }

interface InboxHealth { slug: string; name: string; channel: string; shown: string; queue: string; watched: boolean;
  ok_at: string | null; tried_at: string | null; last_message_at: string | null; problem: string; problem_since: string | null;
  backlog: number | null; token_until: string | null; gaps: number; can: string[] }
interface InboxTest { problem: string; backlog: number | null; token_until: string | null }

// What only the screens know.
/** Beside the words: to which address, with which copies, under which subject (null: as the desk suggests). */
interface Envelope { endpoint_id: number | null; cc: string[]; bcc: string[]; subject: string | null }
type DialogName = "transfer" | "closure" | "reopen" | "headers" | "move";
interface OpenPage { status: "loading" | "ready" | "error" | "missing"; page: TicketPage | null; problem: Problem | null }
interface ListState { status: "idle" | "loading" | "ready" | "error"; next: string | null }
interface Connection { state: "connecting" | "live" | "lost"; since: number; good: number }
interface Unsent extends Envelope { uploads: number[]; client_msg_id: string; ref: string; kind: "reply" | "note"; text: string; expected_last_seq: number;
  send_anyway: boolean; state: "sending" | "unconfirmed" | "queued" | "failed" | "conflict"; tries: number; at: string;
  problem: Problem | null }
interface EndedOffer { id: number; name: string; sentence: string; until: number }
interface Notice { id: number; text: string; tone: "ok" | "bad" | "info"; action?: { word: string; act: () => void } }
interface World { last: number; me: Me | null; tickets: Map<string, TicketRow>; offers: Offer[]; pages: Map<string, OpenPage>; counts: Counts }
