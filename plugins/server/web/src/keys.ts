/** The keyboard: `/` goes to the search, `j` and `k` through the rows, `?` shows what there is. */

import { showDialog } from "./switches";

function step(by: number): void {
  const rows = [...document.querySelectorAll<HTMLElement>("[data-row]")];
  const links = rows.map((row) => (row.matches("a") ? row : row.querySelector<HTMLElement>("a[href]")));
  const there = document.activeElement?.closest("[data-row]");
  const at = there ? rows.indexOf(there as HTMLElement) : by > 0 ? -1 : rows.length;
  const next = links[Math.min(Math.max(at + by, 0), links.length - 1)];
  next?.focus();
  next?.scrollIntoView({ block: "nearest" });
}

function press(selector: string): boolean {
  const found = document.querySelector<HTMLElement>(selector);
  if (!found) return false;
  if (found instanceof HTMLInputElement) {
    found.focus();
    found.select();
  } else found.click();
  return true;
}

const KEYS: Record<string, () => boolean | void> = {
  "/": () => press("[data-search]"),
  "?": () => showDialog("#keys"),
  j: () => step(1),
  k: () => step(-1),
  l: () => press("[data-key=l]"),
  e: () => press("[data-key=e]"),
  n: () => press("[data-key=n]"),
  p: () => press("[data-live-pause]"),
};

/** Whether keys that are pressed here are written somewhere. */
function isWriting(target: EventTarget | null): boolean {
  return (
    target instanceof HTMLElement &&
    (target.isContentEditable ||
      target.shadowRoot !== null ||
      target.matches("input:not([type=checkbox],[type=radio],[type=range]),textarea,select"))
  );
}

export function begin(): void {
  document.addEventListener("keydown", (event) => {
    if (event.ctrlKey || event.metaKey || event.altKey || event.defaultPrevented) return;
    if (isWriting(event.target) || document.querySelector("dialog[open]")) return;
    const act = KEYS[event.key];
    if (!act) return;
    if (act() !== false) event.preventDefault();
  });
}
