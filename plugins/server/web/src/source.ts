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
  #over = false;
  #pause = FIRST_PAUSE;
  #again: ReturnType<typeof setTimeout> | undefined;
  #silence: ReturnType<typeof setTimeout> | undefined;
  #missed: ReturnType<typeof setTimeout> | undefined;

  constructor(
    readonly url: string,
    readonly tell: (message: ToPage) => void,
  ) {}

  state(): ToPage {
    if (this.#over) return { kind: "over" };
    return { kind: "state", live: this.#live, since: this.#since };
  }

  /** Be open, and follow these logs, too. */
  open(logs: string[]): void {
    const wanted = logs.join(",");
    if (this.#over) return;
    if (this.#events && wanted === this.#logs) return;
    this.#logs = wanted;
    this.#connect();
  }

  /** A page was loaded: somebody may have signed in again. */
  renew(): void {
    this.#over = false;
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
    events.addEventListener("over", () => this.#end());
    events.onerror = () => {
      const refused = events.readyState === EventSource.CLOSED;
      this.#retry();
      if (refused) void this.#ask(events);
    };
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

  /** Why a stream was refused: a stream itself does not say it. */
  async #ask(refused: EventSource): Promise<void> {
    try {
      const answer = await fetch(this.url, { headers: { accept: "text/event-stream" } });
      void answer.body?.cancel();
      if (answer.status === 401 && this.#events === refused) this.#end();
    } catch {
      // the service is away, as the stream will find
    }
  }

  /** The session is over: whoever asks again is refused again. */
  #end(): void {
    this.#over = true;
    this.close();
    this.tell(this.state());
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
