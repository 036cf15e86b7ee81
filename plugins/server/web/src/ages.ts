/**
 * Times as people say them. `data-at` is the second of something that was, `data-since` that of
 * something that goes on; they tick, and the tooltip is the exact time where the reader is.
 */

const STEPS: [number, string][] = [
  [86_400, "d"],
  [3600, "h"],
  [60, "m"],
  [1, "s"],
];
const exact = new Intl.DateTimeFormat(undefined, { dateStyle: "medium", timeStyle: "long" });

/** A span of time in its two largest units: `2h 5m`, `14s`. */
export function duration(seconds: number): string {
  const left = Math.max(0, Math.round(seconds));
  const at = STEPS.findIndex(([size]) => left >= size);
  if (at < 0) return "0s";
  const [size, unit] = STEPS[at] ?? [1, "s"];
  const [smaller, small] = STEPS[at + 1] ?? [left + 1, ""];
  const rest = Math.floor((left % size) / smaller);
  return `${Math.floor(left / size)}${unit}${rest ? ` ${rest}${small}` : ""}`;
}

function tick(): void {
  if (document.visibilityState === "hidden") return;
  for (const place of document.querySelectorAll<HTMLElement>("[data-at],[data-since]")) {
    const { at, since } = place.dataset;
    const moment = Number(at ?? since) * 1000;
    const lasted = duration((Date.now() - moment) / 1000);
    const text = since === undefined ? `${lasted} ago` : lasted;
    if (place.textContent !== text) place.textContent = text;
    const title = exact.format(moment);
    if (place.title !== title) place.title = title;
  }
}

export function begin(): void {
  tick();
  setInterval(tick, 1000);
  document.addEventListener("visibilitychange", tick);
  document.addEventListener("htmx:afterSettle", tick);
}
