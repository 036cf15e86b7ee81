/** What each page loads. Editors, charts and logs come with their own files, where there are any. */

import * as ages from "./ages";
import * as choosing from "./choosing";
import * as drafts from "./drafts";
import * as keys from "./keys";
import * as live from "./live";
import * as morph from "./morph";
import * as session from "./session";
import * as strips from "./strips";
import * as switches from "./switches";
import * as views from "./views";

interface Part {
  begin: (place: HTMLElement) => void;
}

const PARTS: Record<string, string> = {
  "[data-editor]": "./editor.js",
  "[data-chart]": "./charts.js",
  "[data-log]": "./log.js",
};

/** Let parts of the page that need more than the page itself get it. */
async function furnish(): Promise<void> {
  for (const [selector, file] of Object.entries(PARTS)) {
    for (const place of document.querySelectorAll<HTMLElement>(`${selector}:not([data-begun])`)) {
      place.dataset["begun"] = "";
      const part = (await import(new URL(file, import.meta.url).href)) as Part;
      part.begin(place);
    }
  }
}

morph.begin();
switches.begin();
strips.begin();
ages.begin();
keys.begin();
choosing.begin();
views.begin();
drafts.begin();
session.begin();
live.begin();
void furnish();
document.addEventListener("htmx:afterSettle", () => void furnish());
