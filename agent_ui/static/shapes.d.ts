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
interface ChannelInfo { name: string; live: boolean; pace: string; html: boolean; files: boolean; max_text: number; states: string[] }
interface Closure { reason: string; sentence: string; at: string }
interface TicketRow { ref: string; subject: string; preview: string; preview_from: "citizen" | "staff" | "system" | "note";
  channel: string; language: string | null; queue: QueueName; contact: Named; address: string; status: string; owner: Named | null;
  priority: number; vulnerable: boolean; unservable: boolean; waiting_since: string | null; due_at: string | null; next_action_at: string | null;
  promised_at: string | null; last_seq: number; v: number; created_at: string; updated_at: string; closure: Closure | null;
  draft?: boolean; can: string[] }
interface Delivery { state: string; word: string; error: { kind: string; code: string | null; text: string | null } | null; maybe_duplicate: boolean }
interface AttachedFile { id: number; name: string; type: string; size: number }
interface Message { id: string; ref: string; seq: number; direction: "in" | "out" | "internal"; kind: "message" | "note" | "line";
  author: { kind: "citizen" | "staff" | "system"; id?: number; name: string }; channel: string; subject: string | null; text: string;
  text_full: string | null; html: boolean; language: string | null; at: string; visibility: "public" | "internal" | "held";
  automation: string; files: AttachedFile[]; client_msg_id: string | null;
  line: { key: string; params: Params } | null; delivery: Delivery | null; v: number }
interface Offer { id: number; ref: string; ticket: TicketRow; created_at: string; expires_at: string; because: string }
interface Endpoint { id: number; kind: string; shown: string; proof: string; level: string;
  consent: "given" | "revoked" | "implied"; bad: boolean }
interface Contact { id: number; name: string; language: string | null; endpoints: Endpoint[]; tickets: TicketRow[] }
interface Draft { text: string; kind: "reply" | "note" }
interface Compose { can_reply: boolean; why_not: string | null; channel: string; to: string; max_text: number }
interface TicketPage { pos: number; ticket: TicketRow; messages: Message[]; more: boolean; contact: Contact; because: string | null;
  draft: Draft | null; compose: Compose }
interface Counts { mine: number; team: number; unassigned: number }
interface Snapshot { pos: number; now: string; me: Me; channels: ChannelInfo[]; offers: Offer[]; tickets: TicketRow[]; counts: Counts;
  closure_reasons: string[]; refusal_reasons: string[]; away_reasons: string[] }
interface Item { pos: number; type: string; at: string; ref: string | null; actor: { kind: string; id: number | null; name: string };
  ticket: TicketRow | null; gone: boolean; message: Message | null; offer: Offer | null; offer_ended: { id: number; result: string } | null;
  me: Me | null; data: Record<string, unknown> }
interface Frame { prev: number; pos: number; items: Item[] }
interface Measure { parts: number; units: number; encoding: string | null; limit: number; warnings: string[] }
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

// What only the screens know.
interface OpenPage { status: "loading" | "ready" | "error" | "missing"; page: TicketPage | null; problem: Problem | null }
interface ListState { status: "idle" | "loading" | "ready" | "error"; next: string | null }
interface Connection { state: "connecting" | "live" | "lost"; since: number; good: number }
interface Unsent { client_msg_id: string; ref: string; kind: "reply" | "note"; text: string; expected_last_seq: number;
  send_anyway: boolean; state: "sending" | "unconfirmed" | "queued" | "failed" | "conflict"; tries: number; at: string;
  problem: Problem | null }
interface EndedOffer { id: number; name: string; sentence: string; until: number }
interface Notice { id: number; text: string; tone: "ok" | "bad" | "info" }
interface World { last: number; me: Me | null; tickets: Map<string, TicketRow>; offers: Offer[]; pages: Map<string, OpenPage>; counts: Counts }
