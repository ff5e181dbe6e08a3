// @ts-check
import { html } from "htm/preact";
import { useEffect, useRef, useState } from "preact/hooks";
import { Icon } from "./icon.js";

/** A button that opens a panel: closes on Escape (focus returns), on a choice, and when focus or a click goes elsewhere.
 * @param {{label: any, name: string, className?: string, children: (close: () => void) => any}} given */
export function Menu({ label, name, className = "", children }) {
  const [open, setOpen] = useState(false);
  const root = useRef(/** @type {HTMLElement | null} */ (null));
  const button = useRef(/** @type {HTMLButtonElement | null} */ (null));
  useEffect(() => (open ? closeOutside(root, setOpen) : undefined), [open]);
  const close = () => {
    setOpen(false);
    button.current?.focus();
  };
  const key = (/** @type {KeyboardEvent} */ event) => {
    if (event.key !== "Escape" || !open) return;
    event.preventDefault();
    close();
  };
  return html`<div class="menu ${className}" ref=${root} onKeyDown=${key}>
    <button type="button" class="menu-button" ref=${button} aria-expanded=${open ? "true" : "false"} onClick=${() => setOpen(!open)}>
      <span class="hidden">${name}</span>${label}<${Icon} name="chevron" size=${14} />
    </button>
    ${open && html`<div class="menu-panel">${children(close)}</div>`}
  </div>`;
}

/** @param {{current: HTMLElement | null}} root @param {(open: boolean) => void} setOpen */
function closeOutside(root, setOpen) {
  const left = (/** @type {Event} */ event) => {
    if (!root.current?.contains(/** @type {Node} */ (event.target))) setOpen(false);
  };
  addEventListener("pointerdown", left);
  addEventListener("focusin", left);
  return () => {
    removeEventListener("pointerdown", left);
    removeEventListener("focusin", left);
  };
}
