/** Times as people say them. `<time datetime data-age>` ticks; its tooltip is the exact local time. */

const STEPS: [number, string][] = [
  [86_400, "d"],
  [3600, "h"],
  [60, "min"],
  [1, "s"],
];

/** How long it is since a moment in milliseconds: `12 s`, `3 min`, `2 h`, `5 d`. */
export function age(moment: number): string {
  const seconds = Math.max(0, (Date.now() - moment) / 1000);
  const [size, unit] = STEPS.find(([size]) => seconds >= size) ?? [1, "s"];
  return `${Math.floor(seconds / size)} ${unit}`;
}

/** How long something takes, in two steps: `1 h 4 min`, `3 min 2 s`, `12 s`. */
function duration(seconds: number): string {
  const at = STEPS.findIndex(([size]) => seconds >= size);
  if (at < 0) return "0 s";
  const [size, unit] = STEPS[at] ?? [1, "s"];
  const [smaller, small] = STEPS[at + 1] ?? [0, ""];
  const rest = smaller ? Math.floor((seconds % size) / smaller) : 0;
  return `${Math.floor(seconds / size)} ${unit}${rest ? ` ${rest} ${small}` : ""}`;
}

const exact = new Intl.DateTimeFormat(undefined, { dateStyle: "medium", timeStyle: "long" });

function tick(): void {
  if (document.visibilityState === "hidden") return;
  for (const place of document.querySelectorAll<HTMLTimeElement>("time[data-age],time[data-ticks]")) {
    const moment = Date.parse(place.dateTime);
    if (Number.isNaN(moment)) continue;
    const ticks = "ticks" in place.dataset;
    const text = ticks ? duration((Date.now() - moment) / 1000) : `${age(moment)} ago`;
    if (place.textContent !== text) place.textContent = text;
    if (!place.title) place.title = exact.format(moment);
  }
}

export function begin(): void {
  tick();
  setInterval(tick, 1000);
  document.addEventListener("htmx:afterSettle", tick);
}
