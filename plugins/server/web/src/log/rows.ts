/** Draws those rows of a log that can be seen, and no more. */

import { type Span, shown, spans } from "./colours";
import type { Line } from "./lines";

const AROUND = 10;
const decoder = new TextDecoder();

export interface Look {
  rows: Line[];
  /** The number of the first row, if it is known. */
  number: number | null;
  /** The place that the address names. */
  chosen: number | null;
  searched: string;
}

export class Rows {
  readonly #sizer = document.createElement("div");
  readonly #drawn = document.createElement("div");
  readonly #height: number;
  #frame = 0;
  #look: Look = { rows: [], number: null, chosen: null, searched: "" };

  constructor(readonly place: HTMLElement) {
    this.#sizer.className = "log-sizer";
    this.#drawn.className = "log-drawn";
    place.replaceChildren(this.#sizer);
    this.#sizer.append(this.#drawn);
    this.#height = Number.parseFloat(getComputedStyle(this.#drawn).lineHeight) || 20;
    place.addEventListener("scroll", () => this.#soon(), { passive: true });
    new ResizeObserver(() => this.#soon()).observe(place);
  }

  get top(): number {
    return this.place.scrollTop / this.#height;
  }

  get isAtEnd(): boolean {
    const { scrollTop, clientHeight, scrollHeight } = this.place;
    return scrollTop + clientHeight >= scrollHeight - this.#height;
  }

  scrollTo(row: number): void {
    this.place.scrollTop = row * this.#height;
  }

  scrollBy(rows: number): void {
    this.place.scrollTop += rows * this.#height;
  }

  center(row: number): void {
    this.scrollTo(Math.max(0, row - this.place.clientHeight / this.#height / 2));
  }

  show(look: Look): void {
    this.#look = look;
    const height = `${look.rows.length * this.#height}px`;
    this.#sizer.style.height = height;
    this.place.style.height = `calc(${height} + 20px)`; // the style sheet says how much at most
    this.#soon();
  }

  #soon(): void {
    this.#frame ||= requestAnimationFrame(() => {
      this.#frame = 0;
      this.#draw();
    });
  }

  #draw(): void {
    const { rows } = this.#look;
    const visible = Math.ceil(this.place.clientHeight / this.#height);
    const first = Math.max(0, Math.floor(this.top) - AROUND);
    const last = Math.min(rows.length, first + visible + 2 * AROUND);
    this.#drawn.style.transform = `translateY(${first * this.#height}px)`;
    const fresh = document.createDocumentFragment();
    let number = this.#numberOf(first);
    for (let at = first; at < last; at++) {
      const row = rows[at];
      if (!row) break;
      const begins = at === 0 || !rows[at - 1]?.cut;
      fresh.append(this.#row(row, begins ? number : null));
      if (number !== null && !row.cut) number++;
    }
    this.#drawn.replaceChildren(fresh);
  }

  #numberOf(row: number): number | null {
    const { number, rows } = this.#look;
    if (number === null) return null;
    let many = 0;
    for (let at = 0; at < row; at++) if (!rows[at]?.cut) many++;
    return number + many;
  }

  #row(line: Line, number: number | null): HTMLElement {
    const row = document.createElement("div");
    row.className = "log-row";
    const { chosen } = this.#look;
    if (chosen !== null && chosen >= line.offset && chosen <= line.offset + line.bytes.length) {
      row.classList.add("log-chosen");
    }
    const link = document.createElement("a");
    link.className = "log-number";
    link.href = `#at=${line.offset}`;
    link.tabIndex = -1;
    link.textContent = number === null ? "·" : String(number);
    link.title = `Link to this line (byte ${line.offset})`;
    const text = document.createElement("span");
    text.className = "log-text";
    for (const span of spans(shown(decoder.decode(line.bytes)))) {
      text.append(...marked(span, this.#look.searched));
    }
    row.append(link, text);
    return row;
  }
}

/** A span as elements, in which what is searched for is marked. */
function marked(span: Span, searched: string): Node[] {
  const pieces = searched ? split(span.text, searched) : [span.text];
  return pieces.map((piece, at) => {
    const element = document.createElement(at % 2 ? "mark" : "span");
    element.textContent = piece;
    element.className = span.classes.join(" ");
    if (span.colour) element.style.color = span.colour;
    if (span.background) element.style.backgroundColor = span.background;
    return element;
  });
}

/** Text in pieces, of which each second one is what is searched for, in whatever case. */
function split(text: string, searched: string): string[] {
  const literal = searched.replace(/[.*+?^${}()|[\]\\]/g, "\\$&");
  return text.split(new RegExp(`(${literal})`, "i"));
}
