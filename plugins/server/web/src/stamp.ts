/**
 * Each time that somebody signs out the service gives their browser another stamp, in a cookie. A
 * page of one who has signed in has the stamp that its request came with: of what has another one,
 * somebody has signed out since.
 */

/** The cookie of the service that has the stamp. */
const COOKIE = "launchkit_left";
/** How the names begin under which a tab keeps what was written in it. */
export const DRAFTS = "draft:";

export interface Draft {
  /** The stamp of the page in which it was written. */
  since: string;
  draft: [name: string, text: string][];
}

/** The stamp that this browser has now. */
export function stampNow(): string {
  const pairs = document.cookie.split("; ").map((one) => one.split("=", 2) as [string, string]);
  return Object.fromEntries(pairs)[COOKIE] ?? "";
}

/** The stamp of this page; undefined if it is nobody's who has signed in. */
export function stampOfPage(): string | undefined {
  return document.querySelector<HTMLScriptElement>("script[data-stamp]")?.dataset["stamp"];
}

/** Whether a form that is sent signs out. */
export function signsOut({ target }: Event): boolean {
  const to = target instanceof HTMLFormElement ? target.getAttribute("action") : null;
  return to !== null && to.endsWith("/sign-out");
}

/** What is kept under a name. */
export function draftAt(name: string): Draft | null {
  try {
    return JSON.parse(sessionStorage.getItem(name) ?? "null") as Draft | null;
  } catch {
    return null;
  }
}

/** Forget all drafts of which it is said so. */
export function forgetDrafts(which: (name: string) => boolean): void {
  Object.keys(sessionStorage)
    .filter((name) => name.startsWith(DRAFTS) && which(name))
    .forEach((name) => sessionStorage.removeItem(name));
}
