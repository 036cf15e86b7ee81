/**
 * Live pages. `data-live` names what a part of a page shows: `items`, `queues`, `agents`,
 * `item:ID`, `queue:NAME`. When that changes, the part hears the event `live`, for which
 * `hx-trigger="live"` waits.
 */

import { Hub } from "./hub";
import { AGAIN_MILLISECONDS, type Change, type LogSize, type ToPage, type ToWorker } from "./messages";
import { duration } from "./ages";
import { signInAgain, tellOver } from "./session";

const AT_MOST_EACH = 1000;
const followed = new Set<string>();
let live = false;
let begun = false;
let over = false;
let since = Date.now();
let paused = false;
let missed: Set<string> | "all" = new Set();
let say: (message: ToWorker) => void = () => {};

export function begin(): void {
  const { prefix = "", entity } = document.body.dataset;
  const place = document.querySelector<HTMLElement>("#live");
  if (!entity || !place) return;
  const stream = `${prefix}/e/${encodeURIComponent(entity)}/stream`;
  const button = switchIn(place);
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
  button.addEventListener("click", () => {
    if (over) location.href = signInAgain();
    else setPaused(!paused);
  });
  setInterval(mark, 1000);
  mark();
}

/** The mark of how fresh the page is; pressing it holds the page as it is, and lets it go on. */
function switchIn(place: HTMLElement): HTMLElement {
  const button = document.createElement("button");
  button.type = "button";
  button.className = "quiet small live-switch";
  button.dataset["livePause"] = "";
  place.replaceChildren(button);
  return button;
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
      over = false;
      if (live && !begun) catchUp();
      mark();
      break;
    case "over":
      over = true;
      tellOver();
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

/** What changed between the making of the page and the first word of the stream was not told. */
function catchUp(): void {
  begun = true;
  touch("all");
  document.dispatchEvent(new Event("live-begins"));
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
  const state = over ? "over" : paused ? "paused" : live ? "live" : "stale";
  const words = {
    paused: "Paused",
    live: "Live",
    over: "Signed out",
    stale: `Stale since ${duration((Date.now() - since) / 1000)}`,
  };
  for (const button of document.querySelectorAll<HTMLElement>("[data-live-pause]")) {
    button.dataset["state"] = state;
    button.setAttribute("aria-pressed", String(paused));
    button.title = over ? "Sign in again" : paused ? "Go on with live updates (p)" : "Hold the page as it is (p)";
    if (button.textContent !== words[state]) button.textContent = words[state];
  }
}
