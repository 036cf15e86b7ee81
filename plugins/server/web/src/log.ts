/** A log of any length: its end first, a window of it in memory, the rows in sight on the page. */

import type { LogSize } from "./messages";
import { Gone, type Match, Source } from "./log/parts";
import { onLeavingEnd } from "./log/hand";
import { Rows } from "./log/rows";
import { Search } from "./log/search";
import { LogWindow } from "./log/window";

const PAUSE_MILLISECONDS = 250;
const NEAR_ROWS = 60;
const FAR_BYTES = 1024 * 1024;
/** Where a browser keeps whether lines are broken. */
const WRAPS = "log-wraps";

const GONE =
  "This log is gone: its launch was removed by retention, as `launchkit store prune` does with those that ended long ago.";

class Viewer {
  readonly #window: LogWindow;
  readonly #rows: Rows;
  readonly #search: Search;
  #matches: Match[] = [];
  #match = -1;
  #searched = "";
  #chosen: number | null = null;
  #follows: boolean;
  #paused = false;
  #last: Promise<void> = Promise.resolve();
  #busy = 0;
  #again = false;

  constructor(readonly place: HTMLElement) {
    const { url = "", attempt = "", size, complete, item = "" } = place.dataset;
    const source = new Source(url, attempt);
    this.#window = new LogWindow(source, Number(size), complete === "true");
    this.#rows = new Rows(this.#part("lines"));
    this.#search = new Search(source);
    this.#chosen = placeInAddress();
    this.#follows = this.#chosen === null;
    this.#wrap();
    this.#listen(item, attempt);
    void this.#work(() =>
      this.#chosen === null ? this.#showEnd() : this.#showPlace(this.#chosen),
    );
    this.#follow(this.#follows);
  }

  #part(name: string): HTMLElement {
    const found = this.place.querySelector<HTMLElement>(`[data-log-${name}]`);
    if (!found) throw new Error(`a log has no ${name}`);
    return found;
  }

  #listen(item: string, attempt: string): void {
    if (!this.#window.complete) {
      document.dispatchEvent(new CustomEvent("follow-log", { detail: item }));
    }
    document.addEventListener("log-size", (event) => {
      const told = (event as CustomEvent<LogSize>).detail;
      if (told.item !== item || String(told.attempt) !== attempt) return;
      this.#window.size = Math.max(this.#window.size, told.size);
      this.#window.complete = told.complete;
      void this.#catchUp();
    });
    document.addEventListener("live-begins", () => {
      if (this.#follows && !this.#window.complete) void this.#work(() => this.#readOn());
    });
    document.addEventListener("live-paused", (event) => {
      this.#paused = (event as CustomEvent<boolean>).detail;
      void this.#catchUp();
    });
    this.#on("follow", () => this.#follow(!this.#follows));
    this.#on("start", () => {
      this.#follow(false);
      void this.#work(() => this.#showPlace(0));
    });
    this.#on("end", () => void this.#work(() => this.#showEnd()));
    this.#on("wrap", () => {
      localStorage.setItem(WRAPS, localStorage.getItem(WRAPS) ? "" : "yes");
      this.#wrap();
    });
    this.#on("next", () => this.#step(1));
    this.#on("previous", () => this.#step(-1));
    const field = this.#part("search") as HTMLInputElement;
    field.addEventListener("keydown", (event) => {
      if (event.key !== "Enter") return;
      event.preventDefault();
      if (field.value === this.#searched) this.#step(event.shiftKey ? -1 : 1);
      else this.#find(field.value);
    });
    field.addEventListener("search", () => field.value || this.#find(""));
    addEventListener("hashchange", () => {
      this.#chosen = placeInAddress();
      if (this.#chosen === null) return;
      this.#follow(false);
      this.#show();
    });
    this.#rows.place.addEventListener("scroll", () => this.#moved(), { passive: true });
    onLeavingEnd(this.#rows.place, () => this.#follows && this.#follow(false));
  }

  #on(name: string, act: () => void): void {
    this.#part(name).addEventListener("click", act);
  }

  /** Do one thing after the other: what is read changes what is shown. */
  #work(act: () => Promise<void>): Promise<void> {
    this.#busy++;
    this.#last = this.#last.then(() => this.#done(act));
    return this.#last;
  }

  async #done(act: () => Promise<void>): Promise<void> {
    try {
      await act();
    } catch (fault) {
      this.#tell(fault instanceof Gone ? GONE : `The log could not be read: ${words(fault)}`);
    } finally {
      this.#busy--;
    }
  }

  async #showEnd(): Promise<void> {
    await this.#window.tail();
    this.#show();
    this.#follow(true);
  }

  async #showPlace(offset: number): Promise<void> {
    const row = await this.#window.around(offset);
    this.#show();
    this.#rows.center(row);
  }

  #show(): void {
    const { lines, number, size, complete } = this.#window;
    this.#rows.show({
      rows: lines.rows,
      number,
      chosen: this.#chosen,
      searched: this.#searched,
    });
    const nothing = complete ? "This attempt printed nothing." : "Nothing has been printed yet.";
    this.#tell(size ? "" : nothing);
    this.place.dataset["shown"] = String(lines.end);
    this.#tellPlace();
  }

  #tell(text: string): void {
    const note = this.#part("note");
    note.textContent = text;
    note.hidden = !text;
  }

  #tellPlace(): void {
    const { size, lines } = this.#window;
    const line = lines.rows[this.#rows.top];
    const at = size && line ? Math.min(100, Math.round((100 * line.offset) / size)) : 0;
    const text = lines.begin === 0 && lines.end >= size ? bytes(size) : `${at} % of ${bytes(size)}`;
    const place = this.#part("place");
    if (place.textContent !== text) place.textContent = text;
  }

  /** Break wide lines, if that was chosen in this browser. */
  #wrap(): void {
    const wraps = Boolean(localStorage.getItem(WRAPS));
    this.#part("wrap").setAttribute("aria-pressed", String(wraps));
    this.#rows.wrap(wraps);
  }

  #follow(value: boolean): void {
    this.#follows = value;
    this.#part("follow").setAttribute("aria-pressed", String(value));
    this.#rows.stick(value);
    void this.#catchUp();
  }

  /** Show what has been printed meanwhile, a few times a second at most. */
  async #catchUp(): Promise<void> {
    if (!this.#follows || this.#paused || this.#window.atEnd) return;
    if (this.#busy || this.#again) return;
    this.#again = true;
    await this.#work(() => this.#readOn());
    setTimeout(() => {
      this.#again = false;
      void this.#catchUp();
    }, PAUSE_MILLISECONDS);
  }

  async #readOn(): Promise<void> {
    const { lines, size } = this.#window;
    if (size - lines.end > FAR_BYTES) await this.#window.tail();
    else await this.#window.next();
    if (!this.#follows) await this.#window.around(this.#rows.offset); // one has gone away meanwhile
    this.#show();
  }

  /** Read on where somebody comes near to what is not there. */
  #moved(): void {
    this.#tellPlace();
    if (this.#busy || this.#follows) return;
    const { top } = this.#rows;
    const many = this.#window.lines.rows.length;
    if (top < NEAR_ROWS && !this.#window.atStart) void this.#work(() => this.#readBefore());
    else if (top > many - 2 * NEAR_ROWS && !this.#window.atEnd) {
      void this.#work(() => this.#readAfter());
    }
  }

  async #readBefore(): Promise<void> {
    await this.#window.previous();
    this.#show();
  }

  async #readAfter(): Promise<void> {
    if (await this.#window.next()) this.#show();
  }

  #find(text: string): void {
    this.#searched = text;
    this.#matches = [];
    this.#match = -1;
    this.#search.stop();
    this.#show();
    if (!text) {
      this.#tellFound("");
      return;
    }
    const top = this.#window.lines.rows[this.#rows.top]?.offset ?? 0;
    this.#tellFound("Searching…");
    void this.#search
      .run(text, ({ matches, done, more }) => {
        this.#matches = matches;
        if (this.#match < 0 && matches.length && (done >= 1 || more || this.#furthest > top)) {
          const after = matches.findIndex((match) => match.offset >= top);
          this.#go(after < 0 ? 0 : after);
        }
        this.#tellProgress(done, more);
      })
      .catch((fault) => {
        if (fault instanceof Gone) this.#tell(GONE);
        this.#tellFound(fault instanceof Gone ? "" : `The search failed: ${words(fault)}`);
      });
  }

  get #furthest(): number {
    return this.#matches.at(-1)?.offset ?? 0;
  }

  #progress = "";

  #tellProgress(done: number, more: boolean): void {
    this.#progress = done < 1 && !more ? `, ${Math.floor(100 * done)} % searched` : more ? " or more" : "";
    this.#tellMatch();
  }

  #tellMatch(): void {
    const many = this.#matches.length;
    const which = this.#match < 0 ? "" : `${this.#match + 1} of `;
    this.#tellFound(many ? `${which}${many}${this.#progress}` : `Not found${this.#progress}`);
  }

  #tellFound(text: string): void {
    this.#part("found").textContent = text;
  }

  #step(by: number): void {
    const many = this.#matches.length;
    if (many) this.#go((this.#match + by + many) % many);
  }

  #go(index: number): void {
    const match = this.#matches[index];
    if (!match) return;
    this.#match = index;
    this.#chosen = match.offset;
    this.#follow(false);
    this.#tellMatch();
    void this.#work(() => this.#showPlace(match.offset));
  }
}

function placeInAddress(): number | null {
  const found = /^#at=(\d{1,15})$/.exec(location.hash);
  return found ? Number(found[1]) : null;
}

function words(fault: unknown): string {
  return fault instanceof Error ? fault.message : String(fault);
}

function bytes(size: number): string {
  const units = ["B", "kB", "MB", "GB", "TB"];
  const at = size < 1000 ? 0 : Math.min(units.length - 1, Math.floor(Math.log10(size) / 3));
  const value = size / 1000 ** at;
  return `${at && value < 100 ? value.toFixed(1) : Math.round(value)} ${units[at]}`;
}

export function begin(place: HTMLElement): void {
  new Viewer(place);
}
