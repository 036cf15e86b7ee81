/** What the rows of a window have from those before them: their colours, and where they stand. */

import { PLAIN, type Style, bare, carried } from "./colours";
import type { Line } from "./lines";

const ESCAPE = 27;
const decoder = new TextDecoder();

interface Known {
  before: Style;
  after: Style;
}

export class Flow {
  /** How each row begins to look. */
  styles: Style[] = [];
  /** Where each row stands, and behind the last where they end, in heights of one line. */
  tops: number[] = [0];
  readonly #known = new WeakMap<Line, Known>();
  readonly #cells = new WeakMap<Line, number>();

  /** Lay rows out, in lines of so many columns if they are wrapped. */
  lay(rows: Line[], columns: number | null): void {
    this.styles = [];
    this.tops = [0];
    let style = PLAIN;
    let top = 0;
    for (const row of rows) {
      this.styles.push(style);
      style = this.#after(row, style);
      top += columns === null ? 1 : Math.max(1, Math.ceil(this.#cellsOf(row) / columns));
      this.tops.push(top);
    }
  }

  get height(): number {
    return this.tops.at(-1) ?? 0;
  }

  /** The row at a height. */
  at(height: number): number {
    let low = 0;
    let high = this.styles.length;
    while (low < high) {
      const middle = (low + high) >> 1;
      if ((this.tops[middle + 1] ?? 0) <= height) low = middle + 1;
      else high = middle;
    }
    return low;
  }

  #after(row: Line, before: Style): Style {
    if (row.bytes.indexOf(ESCAPE) < 0) return before;
    const known = this.#known.get(row);
    if (known?.before === before) return known.after;
    const after = carried(decoder.decode(row.bytes), before);
    this.#known.set(row, { before, after });
    return after;
  }

  /** At most so many cells: a letter that is none of ASCII may take two. */
  #cellsOf(row: Line): number {
    let cells = this.#cells.get(row);
    if (cells === undefined) {
      const text = bare(decoder.decode(row.bytes));
      cells = text.length + (text.match(/[^\x00-\x7f]/g)?.length ?? 0);
      this.#cells.set(row, cells);
    }
    return cells;
  }
}
