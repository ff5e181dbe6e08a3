// @ts-check
/** What this tab keeps of the chat, in sessionStorage: gone with the tab, nothing before the visitor starts. */

/** @typedef {{client_msg_id: string, text: string, at: string, state?: string, code?: string, seq?: number}} Unsent */
/** @typedef {{chat: string, token: string | null, ref: string | null, topic: string, name: string, language: string,
 *             outbox: Unsent[], draft: string, enter: boolean, begun: boolean}} Kept */

/** @param {string} site @returns {Kept | null} */
export function recall(site) {
  try {
    const kept = JSON.parse(sessionStorage.getItem(`chat:${site}`) ?? "null");
    return kept?.chat && Array.isArray(kept.outbox) ? kept : null;
  } catch {
    return null; // storage is blocked, or holds what we did not write
  }
}

/** @param {string} site @param {Kept} kept @returns {boolean} whether it could be stored */
export function keep(site, kept) {
  try {
    sessionStorage.setItem(`chat:${site}`, JSON.stringify(kept));
    return true;
  } catch {
    return false; // storage is blocked or full: the chat goes on without it
  }
}

/** @param {string} site */
export function forget(site) {
  try {
    sessionStorage.removeItem(`chat:${site}`);
  } catch {
    // storage is blocked: there is nothing to forget
  }
}
