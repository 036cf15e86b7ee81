/** What the shared worker and the pages of a browser say to each other. */

/** Something happened to an entity: which launches and queues it touched. */
export interface Change {
  items: string[];
  queues: string[];
  /** Too much happened to name it: look at everything again. */
  all: boolean;
}

/** How long the log of a launch is by now. */
export interface LogSize {
  item: string;
  attempt: number;
  size: number;
  complete: boolean;
}

export type ToPage =
  | { kind: "state"; live: boolean; since: number }
  | { kind: "change"; change: Change }
  | { kind: "log"; log: LogSize }
  | { kind: "beat" }
  | { kind: "over" };

/** A page says all it wants each time, and again now and then: one that is gone says no more. */
export type ToWorker =
  | { kind: "want"; stream: string; logs: string[]; visible: boolean }
  | { kind: "bye" };

export const AGAIN_MILLISECONDS = 20_000;
