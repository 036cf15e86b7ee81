/**
 * What was written in a form, for who comes back to it: by the browser's buttons, by loading the
 * page again, or from signing in. `data-draft` names what the form does with what is written when
 * nothing is to be done yet. This tab alone keeps it, until somebody signs out.
 */

import htmx from "htmx.org";

const OURS = "draft:";
/** What belongs to a session or to this sight of a thing, and not to the one who writes. */
const NOT_WRITTEN = new Set(["csrf", "version", "do"]);

type Draft = [name: string, text: string][];

function key(): string {
  return OURS + location.pathname + location.search;
}

function written(form: HTMLFormElement): Draft {
  const all = [...new FormData(form)].map(([name, text]) => [name, String(text)] as [string, string]);
  return all.filter(([name]) => !NOT_WRITTEN.has(name));
}

function keep(form: HTMLFormElement): void {
  try {
    sessionStorage.setItem(key(), JSON.stringify(written(form)));
  } catch {
    // a browser that keeps nothing, or not so much
  }
}

function kept(): Draft {
  try {
    return JSON.parse(sessionStorage.getItem(key()) ?? "[]") as Draft;
  } catch {
    return [];
  }
}

function cameBack(): boolean {
  const [navigation] = performance.getEntriesByType("navigation") as PerformanceNavigationTiming[];
  const signedIn = document.referrer && new URL(document.referrer).pathname.endsWith("/sign-in");
  return navigation?.type === "back_forward" || navigation?.type === "reload" || Boolean(signedIn);
}

/** Let the service make the form as it was: it knows which parts of it there are. */
function bringBack(form: HTMLFormElement, draft: Draft): void {
  const values: Record<string, string | string[]> = { do: form.dataset["draft"] ?? "" };
  for (const [name, text] of new FormData(form)) if (NOT_WRITTEN.has(name)) values[name] = String(text);
  for (const [name, text] of draft) values[name] = text;
  const place = `#${form.id}`;
  void htmx.ajax("post", form.action, { source: document.body, values, target: place, select: place, swap: "outerHTML" });
}

function forget(): void {
  Object.keys(sessionStorage)
    .filter((one) => one.startsWith(OURS))
    .forEach((one) => sessionStorage.removeItem(one));
}

export function begin(): void {
  const find = (): HTMLFormElement | null => document.querySelector<HTMLFormElement>("form[data-draft]");
  const form = find();
  const draft = kept();
  if (form && draft.length && cameBack() && JSON.stringify(draft) !== JSON.stringify(written(form))) {
    bringBack(form, draft);
  }
  let leaves = false;
  addEventListener("pagehide", () => {
    const now = find();
    if (now && !leaves) keep(now);
  });
  document.addEventListener("submit", (event) => {
    leaves = event.target instanceof HTMLFormElement && event.target.action.endsWith("/sign-out");
    if (leaves) forget();
  });
}
