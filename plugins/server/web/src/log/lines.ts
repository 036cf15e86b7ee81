/** The bytes of a part of a log, cut into lines, each with its place in the log. */

const NEWLINE = 10;
/** A longer line is shown in several rows. */
const LONGEST = 4096;

export interface Line {
  /** Where it begins in the log. */
  offset: number;
  bytes: Uint8Array;
  /** Whether it goes on in the next row. */
  cut: boolean;
}

/** A window of a log: whole lines from `begin` to `end`, and the bytes after these that have come. */
export class Lines {
  lines: Line[] = [];
  begin: number;
  /** Up to where bytes have come. */
  end: number;
  #rest: Uint8Array = new Uint8Array();

  /** A window that is empty, at a place where a line begins. */
  constructor(begin: number) {
    this.begin = begin;
    this.end = begin;
  }

  get size(): number {
    return this.end - this.begin;
  }

  /** The lines, and what has come of the one that is being written. */
  get rows(): Line[] {
    if (!this.#rest.length) return this.lines;
    const offset = this.end - this.#rest.length;
    return [...this.lines, { offset, bytes: this.#rest, cut: true }];
  }

  /** Add what comes after `end`. */
  append(data: Uint8Array): void {
    const bytes = joined(this.#rest, data);
    const { lines, rest } = cut(bytes, this.end - this.#rest.length);
    this.end += data.length;
    this.lines = this.lines.concat(lines);
    this.#rest = rest;
  }

  /** Add whole lines that end where the window begins; gives how many. */
  prepend(data: Uint8Array): number {
    const begin = this.begin - data.length;
    const { lines, rest } = cut(data, begin);
    if (rest.length) lines.push({ offset: this.begin - rest.length, bytes: rest, cut: true });
    this.lines = lines.concat(this.lines);
    this.begin = begin;
    return lines.length;
  }

  /** Drop lines at the start until no more than so many bytes are left; gives how many. */
  dropStart(most: number): number {
    let many = 0;
    while (many < this.lines.length && this.end - (this.lines[many]?.offset ?? 0) > most) many++;
    if (!many) return 0;
    this.lines = this.lines.slice(many);
    this.begin = this.lines[0]?.offset ?? this.end - this.#rest.length;
    return many;
  }

  /** Drop lines at the end until no more than so many bytes are left. */
  dropEnd(most: number): void {
    if (this.size <= most) return;
    let many = this.lines.length;
    while (many > 1 && (this.lines[many - 1]?.offset ?? 0) - this.begin > most) many--;
    const next = this.lines[many];
    if (!next) return;
    this.lines = this.lines.slice(0, many);
    this.end = next.offset;
    this.#rest = new Uint8Array();
  }
}

/** Where the first line begins in bytes from somewhere in a log; their length if none does. */
export function firstLine(data: Uint8Array): number {
  const at = data.indexOf(NEWLINE);
  return at < 0 ? 0 : at + 1;
}

/** The last row that begins up to an offset. */
export function rowAt(rows: Line[], offset: number): number {
  let low = 0;
  let high = rows.length;
  while (low < high) {
    const middle = (low + high) >> 1;
    if ((rows[middle]?.offset ?? 0) <= offset) low = middle + 1;
    else high = middle;
  }
  return Math.max(0, low - 1);
}

function cut(bytes: Uint8Array, offset: number): { lines: Line[]; rest: Uint8Array } {
  const lines: Line[] = [];
  let at = 0;
  for (;;) {
    const newline = bytes.indexOf(NEWLINE, at);
    const end = newline < 0 ? bytes.length : newline;
    while (end - at > LONGEST) {
      const size = whole(bytes, at + LONGEST) - at;
      lines.push({ offset: offset + at, bytes: bytes.subarray(at, at + size), cut: true });
      at += size;
    }
    if (newline < 0) return { lines, rest: bytes.slice(at) };
    lines.push({ offset: offset + at, bytes: bytes.subarray(at, newline), cut: false });
    at = newline + 1;
  }
}

/** The last place up to `at` where no letter is cut in two. */
function whole(bytes: Uint8Array, at: number): number {
  for (let back = 0; back < 4; back++) {
    if (((bytes[at - back] ?? 0) & 0xc0) !== 0x80) return at - back;
  }
  return at;
}

function joined(one: Uint8Array, other: Uint8Array): Uint8Array {
  if (!one.length) return other;
  const both = new Uint8Array(one.length + other.length);
  both.set(one);
  both.set(other, one.length);
  return both;
}
