// @ts-check
/** Several tabs with one chat (a duplicated tab has a copy of its session): the newest is in use, all know the token. */

/** @param {string} chat @param {{elsewhere: () => void, token: (token: string) => void}} listener */
export function joinTabs(chat, listener) {
  const channel = new BroadcastChannel(`chat-${chat}`);
  channel.onmessage = ({ data }) => (data.token ? listener.token(data.token) : listener.elsewhere());
  return {
    useHere: () => channel.postMessage({}),
    /** @param {string} token */
    share: (token) => channel.postMessage({ token }),
    close: () => channel.close(),
  };
}
