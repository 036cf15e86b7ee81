/** The part of a log that is kept in memory, and what is read when somebody moves through it. */

import { firstLine, type Line, Lines, rowAt } from "./lines";
import type { Source } from "./parts";

const CHUNK = 128 * 1024;
const MOST = 1024 * 1024;
/** A line that is longer than this is not looked for where it begins. */
const BEFORE = 8 * 1024;

export class LogWindow {
  lines = new Lines(0);
  /** The number of the first row, if all before it were counted. */
  number: number | null = 1;
  size: number;
  complete: boolean;

  constructor(
    readonly source: Source,
    size: number,
    complete: boolean,
  ) {
    this.size = size;
    this.complete = complete;
  }

  get atStart(): boolean {
    return this.lines.begin === 0;
  }

  get atEnd(): boolean {
    return this.lines.end >= this.size;
  }

  /** Look at the end. */
  async tail(): Promise<void> {
    await this.#open(Math.max(0, this.size - CHUNK));
    while (!this.atEnd && (await this.next())) {}
  }

  /** Look at what surrounds a place; gives the row that holds it. */
  async around(offset: number): Promise<number> {
    const { begin, end } = this.lines;
    if (!(offset >= begin && offset < end)) await this.#open(Math.max(0, offset - CHUNK / 2));
    return rowAt(this.lines.rows, offset);
  }

  /** Read on at the end; gives whether anything came. */
  async next(): Promise<boolean> {
    const part = await this.#read(this.lines.end, CHUNK);
    if (!part.length) return false;
    this.lines.append(part);
    const before = this.lines.lines;
    const dropped = this.lines.dropStart(MOST);
    if (this.number !== null) this.number += counted(before.slice(0, dropped));
    return true;
  }

  /** Read what stands before the window. */
  async previous(): Promise<void> {
    const { begin } = this.lines;
    if (begin === 0) return;
    const from = Math.max(0, begin - CHUNK);
    const data = (await this.#read(from, begin - from)).subarray(0, begin - from);
    if (data.length < begin - from) return;
    const skipped = from === 0 ? 0 : firstLine(data.subarray(0, BEFORE));
    const before = this.lines.lines;
    const many = this.lines.prepend(data.subarray(skipped));
    if (this.number !== null) this.number -= counted(this.lines.lines.slice(0, many));
    if (this.atStart) this.number = 1;
    if (before.length) this.lines.dropEnd(MOST);
  }

  async #open(from: number): Promise<void> {
    const data = await this.#read(from, CHUNK);
    const skipped = from === 0 ? 0 : firstLine(data.subarray(0, BEFORE));
    this.lines = new Lines(from + skipped);
    this.number = from === 0 ? 1 : null;
    this.lines.append(data.subarray(skipped));
  }

  async #read(offset: number, limit: number): Promise<Uint8Array> {
    const part = await this.source.read(offset, limit);
    this.size = Math.max(this.size, part.size);
    this.complete = part.complete;
    return part.data;
  }
}

/** How many lines end in these rows. */
function counted(rows: Line[]): number {
  return rows.reduce((many, row) => many + (row.cut ? 0 : 1), 0);
}
