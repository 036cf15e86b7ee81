/** Asks the service for parts of a log. */

import { OVER } from "../session";

export interface Part {
  data: Uint8Array;
  size: number;
  complete: boolean;
}

export interface Match {
  offset: number;
  length: number;
}

export interface Found {
  matches: Match[];
  /** From where to search on. */
  next: number;
  size: number;
}

export class Gone extends Error {}

export class Source {
  constructor(
    readonly url: string,
    readonly attempt: string,
  ) {}

  async read(offset: number, limit: number): Promise<Part> {
    const query = { attempt: this.attempt, offset: String(offset), limit: String(limit) };
    const answer = await this.#ask("", query);
    return {
      data: new Uint8Array(await answer.arrayBuffer()),
      size: Number(answer.headers.get("launchkit-log-size")),
      complete: answer.headers.get("launchkit-log-complete") === "true",
    };
  }

  /** Search a bounded part of the log, from an offset on. */
  async search(text: string, offset: number, signal: AbortSignal): Promise<Found> {
    const query = { attempt: this.attempt, text, offset: String(offset) };
    return (await (await this.#ask("/search", query, signal)).json()) as Found;
  }

  async #ask(
    path: string,
    query: Record<string, string>,
    signal: AbortSignal | null = null,
  ): Promise<Response> {
    const answer = await fetch(`${this.url}${path}?${new URLSearchParams(query)}`, { signal });
    if (answer.status === 404 || answer.status === 410) throw new Gone();
    if (answer.status === 401) document.dispatchEvent(new Event(OVER));
    if (!answer.ok) throw new Error(`the service answered ${answer.status}`);
    return answer;
  }
}
