/** A stream of what happens to one entity, which is opened again where it was when it is cut off. */

import type { ToPage } from "./messages";

const SILENT_MILLISECONDS = 40_000;
const FIRST_PAUSE = 1000;
const LONGEST_PAUSE = 30_000;
/** The service ends each stream now and then; one that comes back soon was not missed. */
const MISSED_MILLISECONDS = 3000;

export class Source {
  #events: EventSource | null = null;
  #logs = "";
  #last = "";
  #live = false;
  #since = Date.now();
  #pause = FIRST_PAUSE;
  #again: ReturnType<typeof setTimeout> | undefined;
  #silence: ReturnType<typeof setTimeout> | undefined;
  #missed: ReturnType<typeof setTimeout> | undefined;

  constructor(
    readonly url: string,
    readonly tell: (message: ToPage) => void,
  ) {}

  state(): ToPage {
    return { kind: "state", live: this.#live, since: this.#since };
  }

  /** Be open, and follow these logs, too. */
  open(logs: string[]): void {
    const wanted = logs.join(",");
    if (this.#events && wanted === this.#logs) return;
    this.#logs = wanted;
    this.#connect();
  }

  close(): void {
    clearTimeout(this.#again);
    clearTimeout(this.#silence);
    this.#events?.close();
    this.#events = null;
    this.#be(false);
  }

  #connect(): void {
    clearTimeout(this.#again);
    this.#events?.close();
    const query = new URLSearchParams();
    if (this.#logs) query.set("logs", this.#logs);
    if (this.#last) query.set("since", this.#last);
    const events = new EventSource(query.size ? `${this.url}?${query}` : this.url);
    this.#events = events;
    this.#listen();
    const hear = (kind: string, pass: (data: string) => ToPage): void =>
      events.addEventListener(kind, (event) => {
        if (event.lastEventId) this.#last = event.lastEventId;
        this.#listen();
        this.#be(true);
        this.tell(pass(event.data));
      });
    hear("beat", () => ({ kind: "beat" }));
    hear("change", (data) => ({ kind: "change", change: JSON.parse(data) }));
    hear("log", (data) => ({ kind: "log", log: JSON.parse(data) }));
    events.onerror = () => this.#retry();
  }

  /** The browser would come back by itself after most faults, but not after an answer of 503. */
  #retry(): void {
    this.#events?.close();
    this.#missed ??= setTimeout(() => this.#be(false), MISSED_MILLISECONDS);
    clearTimeout(this.#again);
    clearTimeout(this.#silence);
    this.#again = setTimeout(() => this.#connect(), this.#pause);
    this.#pause = Math.min(2 * this.#pause, LONGEST_PAUSE);
  }

  /** A connection that is dead says nothing: a living one has a beat. */
  #listen(): void {
    clearTimeout(this.#silence);
    this.#silence = setTimeout(() => this.#retry(), SILENT_MILLISECONDS);
  }

  #be(live: boolean): void {
    clearTimeout(this.#missed);
    this.#missed = undefined;
    if (live) this.#pause = FIRST_PAUSE;
    if (live === this.#live) return;
    this.#live = live;
    this.#since = Date.now();
    this.tell(this.state());
  }
}
