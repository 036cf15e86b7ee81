/** A session that is over is told where it is noticed: by the stream, a form, a log or an editor. */

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

export function begin(): void {
  document.addEventListener(OVER, tellOver);
  document.addEventListener("htmx:responseError", (event) => {
    const { xhr } = (event as CustomEvent<{ xhr: XMLHttpRequest }>).detail;
    if (xhr.status === 401) tellOver();
  });
}
