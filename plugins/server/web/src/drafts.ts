/**
 * What was written in a form, for who comes back to it: by the browser's buttons, by loading the
 * page again, or from signing in. `data-draft` names what the form does with what is written when
 * nothing is to be done yet. This tab alone keeps it, for who wrote it alone, until somebody signs
 * out in any tab, or somebody else signs in.
 */

import htmx from "htmx.org";
import { DRAFTS, draftAt, forgetDrafts, signsOut, stampOfPage } from "./stamp";
import type { Draft } from "./stamp";

/** What belongs to a session or to this sight of a thing, and not to the one who writes. */
const NOT_WRITTEN = new Set(["csrf", "version", "do"]);

type Fields = Draft["draft"];

/** How the keys of all drafts begin that are of who sees this page. */
function ours(): string {
  const { prefix = "", who = "" } = document.body.dataset;
  return `${DRAFTS}${encodeURIComponent(prefix)}:${encodeURIComponent(who)}:`;
}

function key(): string {
  return ours() + location.pathname + location.search;
}

function written(form: HTMLFormElement): Fields {
  const all = [...new FormData(form)].map(([name, text]) => [name, String(text)] as [string, string]);
  return all.filter(([name]) => !NOT_WRITTEN.has(name));
}

/** What the service has made the form with, also where the browser has filled it in again since. */
function made(form: HTMLFormElement): Fields {
  const copy = form.cloneNode(true) as HTMLFormElement;
  copy.reset();
  return written(copy);
}

function keep(form: HTMLFormElement): void {
  try {
    sessionStorage.setItem(key(), JSON.stringify({ since: stampOfPage(), draft: written(form) }));
  } catch {
    // a browser that keeps nothing, or not so much
  }
}

function cameBack(): boolean {
  const [navigation] = performance.getEntriesByType("navigation") as PerformanceNavigationTiming[];
  const signedIn = document.referrer && new URL(document.referrer).pathname.endsWith("/sign-in");
  return navigation?.type === "back_forward" || navigation?.type === "reload" || Boolean(signedIn);
}

/** Let the service make the form as it was: it knows which parts of it there are. */
function bringBack(form: HTMLFormElement, draft: Fields): void {
  const values: Record<string, string | string[]> = { do: form.dataset["draft"] ?? "" };
  for (const [name, text] of new FormData(form)) if (NOT_WRITTEN.has(name)) values[name] = String(text);
  for (const [name, text] of draft) values[name] = text;
  const place = `#${form.id}`;
  void htmx.ajax("post", form.action, { source: document.body, values, target: place, select: place, swap: "outerHTML" });
}

export function begin(): void {
  forgetDrafts((name) => !name.startsWith(ours()));
  const find = (): HTMLFormElement | null => document.querySelector<HTMLFormElement>("form[data-draft]");
  const form = find();
  const before = form && JSON.stringify(made(form));
  const draft = draftAt(key())?.draft ?? [];
  const brings = form && draft.length > 0 && cameBack();
  if (brings && JSON.stringify(draft) !== JSON.stringify(written(form))) bringBack(form, draft);
  let leaves = false;
  addEventListener("pagehide", () => {
    const now = find();
    if (!now || leaves) return;
    if (JSON.stringify(written(now)) !== before) keep(now);
    else if (!brings) sessionStorage.removeItem(key());
  });
  document.addEventListener("submit", (event) => {
    if (!signsOut(event)) return;
    leaves = true;
    forgetDrafts(() => true);
  });
}
