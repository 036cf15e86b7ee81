/** Saved views: this browser keeps the filters of a list under a name, for each person. */

type Views = Record<string, string>;

class Saved {
  readonly #key: string;

  constructor(readonly place: HTMLElement) {
    this.#key = `views:${document.body.dataset["who"] ?? ""}:${place.dataset["views"]}`;
    this.#show();
  }

  #read(): Views {
    try {
      return JSON.parse(localStorage.getItem(this.#key) ?? "{}") as Views;
    } catch {
      return {};
    }
  }

  #write(views: Views): void {
    localStorage.setItem(this.#key, JSON.stringify(views));
    this.#show();
  }

  #show(): void {
    const views = this.#read();
    const sheet = element("div", { className: "sheet" });
    const box = element("details", { className: "action" });
    box.append(element("summary", { textContent: "Views" }), sheet);
    for (const [name, query] of Object.entries(views)) {
      const link = element("a", { textContent: name, href: `${location.pathname}${query}` });
      const remove = element("button", { type: "button", className: "quiet small", textContent: "Forget" });
      remove.setAttribute("aria-label", `Forget the view ${name}`);
      remove.addEventListener("click", () => {
        const { [name]: _, ...others } = this.#read();
        this.#write(others);
      });
      const row = element("p", { className: "view-row" });
      row.append(link, remove);
      sheet.append(row);
    }
    const label = element("label", { className: "label", textContent: "Save this view as" });
    const name = element("input", { id: "view-name", maxLength: 60 });
    label.htmlFor = name.id;
    const save = element("button", { type: "button", className: "wide", textContent: "Save" });
    const keep = (): void => {
      if (name.value.trim()) this.#write({ ...views, [name.value.trim()]: location.search });
    };
    save.addEventListener("click", keep);
    name.addEventListener("keydown", (event) => {
      if (event.key !== "Enter") return;
      event.preventDefault();
      keep();
    });
    const where = "Kept in this browser alone. Others see it by its address.";
    sheet.append(label, name, save, element("p", { className: "help", textContent: where }));
    const open = this.place.querySelector("details")?.open ?? false;
    box.open = open;
    this.place.replaceChildren(box);
  }
}

function element<K extends keyof HTMLElementTagNameMap>(
  tag: K,
  properties: Partial<HTMLElementTagNameMap[K]>,
): HTMLElementTagNameMap[K] {
  return Object.assign(document.createElement(tag), properties);
}

export function begin(): void {
  document.querySelectorAll<HTMLElement>("[data-views]").forEach((place) => new Saved(place));
}
