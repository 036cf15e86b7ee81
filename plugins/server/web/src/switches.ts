/** Small things that buttons do: the theme, copying, dialogs. */

function theme(): string {
  return document.documentElement.dataset["theme"] ?? "system";
}

function showTheme(): void {
  for (const button of document.querySelectorAll<HTMLElement>("[data-theme-switch]")) {
    button.dataset["theme"] = theme();
    button.setAttribute("aria-label", `Theme: ${theme()}`);
    button.title = `Theme: ${theme()}`;
  }
}

/** After the system's theme comes the other one than it shows, so that each press is seen. */
function nextTheme(): void {
  const dark = matchMedia("(prefers-color-scheme: dark)").matches;
  const themes = dark ? ["system", "light", "dark"] : ["system", "dark", "light"];
  const next = themes[(themes.indexOf(theme()) + 1) % themes.length] ?? "system";
  if (next === "system") {
    delete document.documentElement.dataset["theme"];
    localStorage.removeItem("theme");
  } else {
    document.documentElement.dataset["theme"] = next;
    localStorage.setItem("theme", next);
  }
  showTheme();
  document.dispatchEvent(new Event("theme"));
}

async function copy(button: HTMLElement): Promise<void> {
  const from = button.dataset["copyFrom"];
  const source = from ? document.querySelector<HTMLElement>(from) : null;
  const text = source ? (source.innerText ?? "") : (button.dataset["copy"] ?? "");
  const said = (await written(text)) ? "copied" : "failed";
  button.dataset["copied"] = said;
  announce(said === "copied" ? "Copied" : "This browser did not allow it to be copied");
  setTimeout(() => delete button.dataset["copied"], 1500);
}

/** The clipboard is there for pages that came encrypted or from this machine only. */
async function written(text: string): Promise<boolean> {
  try {
    await navigator.clipboard.writeText(text);
    return true;
  } catch {
    const area = document.createElement("textarea");
    area.value = text;
    area.className = "visually-hidden";
    document.body.append(area);
    area.select();
    const done = document.execCommand("copy");
    area.remove();
    return done;
  }
}

/** A page that a browser kept shows what was asked for, and not what was chosen on leaving it. */
function resetFilters(event: PageTransitionEvent): void {
  if (!event.persisted) return;
  document.querySelectorAll<HTMLFormElement>("form.filters").forEach((form) => form.reset());
}

/** Say something to those who hear the page. */
export function announce(text: string): void {
  const place = document.querySelector<HTMLElement>("[data-announce]");
  if (place) place.textContent = text;
}

export function showDialog(selector: string): void {
  const dialog = document.querySelector(selector);
  if (dialog instanceof HTMLDialogElement && !dialog.open) dialog.showModal();
}

export function begin(): void {
  showTheme();
  addEventListener("pageshow", resetFilters);
  document.addEventListener("click", (event) => {
    const target = event.target instanceof Element ? event.target : null;
    const closest = (selector: string): HTMLElement | null =>
      target?.closest<HTMLElement>(selector) ?? null;
    if (closest("[data-theme-switch]")) nextTheme();
    const copied = closest("[data-copy],[data-copy-from]");
    if (copied) void copy(copied);
    const opened = closest("[data-open]");
    if (opened) showDialog(opened.dataset["open"] ?? "");
    const dialog = closest("[data-close]") ? closest("dialog[open]") : null;
    if (dialog instanceof HTMLDialogElement) dialog.close();
  });
  document.addEventListener("change", (event) => {
    const field = event.target;
    if (field instanceof HTMLElement && field.closest("[data-submits]")) {
      field.closest("form")?.requestSubmit();
    }
  });
}
