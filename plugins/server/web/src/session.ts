/**
 * A session that is over is told where it is noticed: by the stream, a form, a log or an editor. One
 * that somebody ends leaves no page behind, in no tab.
 */

/** The event that parts of a page send which come with files of their own. */
export const OVER = "session-over";

/** Where one signs in again, and comes back to this page. */
export function signInAgain(): string {
  const { prefix = "" } = document.body.dataset;
  const here = location.pathname + location.search + location.hash;
  return `${prefix}/sign-in?${new URLSearchParams({ next: here, over: "1" })}`;
}

/** Say it beside the page, which stays as it is: somebody may have written something in it. */
export function tellOver(): void {
  if (document.querySelector("#over")) return;
  const told = document.createElement("div");
  told.id = "over";
  told.className = "banner warn over";
  told.setAttribute("role", "alert");
  const text = document.createElement("p");
  text.textContent = "You are signed out: this page shows what was, and nothing more is done from it.";
  const link = document.createElement("a");
  link.className = "button";
  link.textContent = "Sign in again";
  link.href = signInAgain();
  link.addEventListener("click", () => (link.href = signInAgain()));
  told.append(text, link);
  document.body.append(told);
}

/** Where the tabs of this service find that somebody has signed out. */
function mark(): string {
  return `signed-out:${document.body.dataset["prefix"] ?? ""}`;
}

/** Another text each time that somebody signs out in this browser. */
export function lastSignedOut(): string {
  return localStorage.getItem(mark()) ?? "";
}

/** Somebody signs out: in this tab, or elsewhere since this page was made. */
export function onSigningOut(act: (elsewhere: boolean) => void): void {
  const before = lastSignedOut();
  const look = (): void => {
    if (lastSignedOut() !== before) act(true);
  };
  document.addEventListener("submit", (event) => {
    if (event.target instanceof HTMLFormElement && event.target.action.endsWith("/sign-out")) act(false);
  });
  addEventListener("storage", look);
  addEventListener("pageshow", look);
}

/** Forget what htmx keeps of pages: the address of the last one, and in some versions all of it. */
function forgetPages(): void {
  for (const storage of [sessionStorage, localStorage]) {
    Object.keys(storage)
      .filter((name) => name.startsWith("htmx-"))
      .forEach((name) => storage.removeItem(name));
  }
}

export function begin(): void {
  onSigningOut((elsewhere) => {
    forgetPages();
    if (elsewhere) location.replace(`${document.body.dataset["prefix"] ?? ""}/sign-in?out=1`);
    else localStorage.setItem(mark(), String(Date.now()));
  });
  document.addEventListener(OVER, tellOver);
  document.addEventListener("htmx:responseError", (event) => {
    const { xhr } = (event as CustomEvent<{ xhr: XMLHttpRequest }>).detail;
    if (xhr.status === 401) tellOver();
  });
}
