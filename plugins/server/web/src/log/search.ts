/** Searches a whole log: the service looks through a bounded part for each request. */

import type { Match, Source } from "./parts";

const MOST = 1000;

export interface Progress {
  matches: Match[];
  /** Of the log, how much was looked through, from 0 to 1. */
  done: number;
  /** There are more than are named. */
  more: boolean;
}

export class Search {
  #running: AbortController | null = null;

  constructor(readonly source: Source) {}

  stop(): void {
    this.#running?.abort();
    this.#running = null;
  }

  async run(text: string, tell: (progress: Progress) => void): Promise<void> {
    this.stop();
    const running = new AbortController();
    this.#running = running;
    const matches: Match[] = [];
    let offset = 0;
    try {
      for (;;) {
        const found = await this.source.search(text, offset, running.signal);
        matches.push(...found.matches);
        const ended = found.next >= found.size;
        const more = matches.length >= MOST && !ended;
        tell({ matches, done: found.size ? found.next / found.size : 1, more });
        if (ended || more) return;
        offset = found.next;
      }
    } catch (fault) {
      if (!running.signal.aborted) throw fault;
    }
  }
}
