/**
 * Who signs out leaves no page behind, in no tab, nor what was written in one. This comes before all
 * else of a page, also of one that is on its way while somebody signs out.
 */

import { draftAt, forgetDrafts, signsOut, stampNow, stampOfPage } from "./stamp";

const { prefix = "" } = (document.currentScript as HTMLScriptElement).dataset;
/** What the tabs of this service tell each other by. */
const TOLD = `signed-out:${prefix}`;
const made = stampOfPage();

/** Forget what htmx keeps of pages: the address of the last one, and in some versions all of it. */
function forgetPages(): void {
  for (const storage of [sessionStorage, localStorage]) {
    Object.keys(storage)
      .filter((name) => name.startsWith("htmx-"))
      .forEach((name) => storage.removeItem(name));
  }
}

function leave(): void {
  forgetPages();
  forgetDrafts(() => true);
  stop(); // what of the page is not there yet does not come
  document.body?.replaceChildren();
  location.replace(`${prefix}/sign-in?out=1`);
}

/** Leave a page that was made before somebody signed out. */
function look(): void {
  const now = stampNow();
  if (made !== undefined && now && now !== made) leave();
}

document.addEventListener("submit", (event) => {
  if (!signsOut(event)) return;
  forgetPages();
  localStorage.setItem(TOLD, String(Date.now()));
});
addEventListener("storage", ({ key, newValue }) => {
  if (key === TOLD && newValue !== null && made !== undefined && newValue !== made) leave();
});
addEventListener("pageshow", look);
addEventListener("focus", look);
document.addEventListener("visibilitychange", look);
document.addEventListener("session-over", look);
look();
const stamp = stampNow();
forgetDrafts((name) => draftAt(name)?.since !== stamp);
if (made === undefined) forgetPages();
if (stamp && localStorage.getItem(TOLD) !== stamp) localStorage.setItem(TOLD, stamp);
