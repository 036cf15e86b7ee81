/**
 * Live pages. `data-live` names what a part of a page shows: `items`, `queues`, `agents`,
 * `item:ID`, `queue:NAME`. When that changes, the part hears the event `live`, for which
 * `hx-trigger="live"` waits.
 */

import { Hub } from "./hub";
import { AGAIN_MILLISECONDS, type Change, type LogSize, type ToPage, type ToWorker } from "./messages";
import { age } from "./ages";

const AT_MOST_EACH = 1000;
const followed = new Set<string>();
let live = false;
let since = Date.now();
let paused = false;
let missed: Set<string> | "all" = new Set();
let say: (message: ToWorker) => void = () => {};

export function begin(): void {
  const stream = document.body.dataset["stream"];
  if (!stream) return;
  const want = (): void =>
    say({
      kind: "want",
      stream: new URL(stream, location.href).href,
      logs: [...followed],
      visible: document.visibilityState === "visible",
    });
  say = connect(hear);
  want();
  setInterval(want, AGAIN_MILLISECONDS);
  document.addEventListener("visibilitychange", want);
  document.addEventListener("follow-log", (event) => {
    followed.add((event as CustomEvent<string>).detail);
    want();
  });
  addEventListener("pagehide", () => say({ kind: "bye" }));
  addEventListener("pageshow", (event) => {
    if (event.persisted) want();
  });
  document.addEventListener("click", (event) => {
    if (event.target instanceof Element && event.target.closest("[data-live-pause]")) {
      setPaused(!paused);
    }
  });
  setInterval(mark, 1000);
  mark();
}

/** Speak to the worker that all tabs share; where there is none, this tab has a stream of its own. */
function connect(tell: (message: ToPage) => void): (message: ToWorker) => void {
  if (!("SharedWorker" in globalThis)) return new Hub().add(tell);
  const worker = new SharedWorker(new URL("./stream.js", import.meta.url), { name: "launchkit" });
  worker.port.onmessage = (event: MessageEvent<ToPage>) => tell(event.data);
  return (message) => worker.port.postMessage(message);
}

function hear(message: ToPage): void {
  switch (message.kind) {
    case "state":
      ({ live, since } = message);
      mark();
      break;
    case "beat":
      touch(new Set(["agents"]));
      break;
    case "change":
      touch(touched(message.change));
      break;
    case "log":
      document.dispatchEvent(new CustomEvent<LogSize>("log-size", { detail: message.log }));
  }
}

function touched(change: Change): Set<string> | "all" {
  if (change.all) return "all";
  const items = change.items.map((id) => `item:${id}`);
  const queues = change.queues.map((name) => `queue:${name}`);
  return new Set([...(items.length ? ["items", "agents"] : []), "queues", ...items, ...queues]);
}

function touch(words: Set<string> | "all"): void {
  if (paused) {
    missed = words === "all" || missed === "all" ? "all" : new Set([...missed, ...words]);
    return;
  }
  for (const part of document.querySelectorAll<HTMLElement>("[data-live]")) {
    const shown = (part.dataset["live"] ?? "").split(" ");
    if (words === "all" || shown.some((word) => words.has(word))) soon(part);
  }
}

const due = new WeakMap<Element, number>();

/** Let a part look again, at most once a second: what comes in between is seen by the next look. */
function soon(part: HTMLElement): void {
  const at = due.get(part) ?? 0;
  if (at > Date.now()) return;
  const wait = Math.max(0, at + AT_MOST_EACH - Date.now());
  due.set(part, Date.now() + wait);
  setTimeout(() => part.isConnected && part.dispatchEvent(new Event("live")), wait);
}

function setPaused(value: boolean): void {
  paused = value;
  document.documentElement.toggleAttribute("data-paused", paused);
  document.dispatchEvent(new CustomEvent<boolean>("live-paused", { detail: paused }));
  if (!paused) {
    touch(missed);
    missed = new Set();
  }
  mark();
}

function mark(): void {
  const state = paused ? "paused" : live ? "live" : "stale";
  const words = { paused: "Paused", live: "Live", stale: `Stale since ${age(since)}` };
  for (const place of document.querySelectorAll<HTMLElement>("[data-live-mark]")) {
    place.dataset["state"] = state;
    if (place.textContent !== words[state]) place.textContent = words[state];
  }
  for (const button of document.querySelectorAll<HTMLElement>("[data-live-pause]")) {
    button.setAttribute("aria-pressed", String(paused));
  }
}
