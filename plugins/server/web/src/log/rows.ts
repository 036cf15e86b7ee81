/** Draws those rows of a log that can be seen, and no more. */

import { PLAIN, type Span, type Style, spans } from "./colours";
import { Flow } from "./flow";
import { type Line, rowAt } from "./lines";

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
  readonly #flow = new Flow();
  #wraps = false;
  #columns: number | null = null;
  #sticks = false;
  #frame = 0;
  #look: Look = { rows: [], number: null, chosen: null, searched: "" };

  constructor(readonly place: HTMLElement) {
    this.#sizer.className = "log-sizer";
    this.#drawn.className = "log-drawn";
    place.replaceChildren(this.#sizer);
    this.#sizer.append(this.#drawn);
    this.#height = Number.parseFloat(getComputedStyle(this.#drawn).lineHeight) || 20;
    place.addEventListener("scroll", () => this.#soon(), { passive: true });
    new ResizeObserver(() => this.#resized()).observe(place);
  }

  /** The row at the top of what can be seen. */
  get top(): number {
    return this.#flow.at(this.place.scrollTop / this.#height);
  }

  /** Where the line at the top of what can be seen begins in the log. */
  get offset(): number {
    return this.#look.rows[this.top]?.offset ?? 0;
  }

  /** Stay at the end whatever comes, until that is taken back. */
  stick(value: boolean): void {
    this.#sticks = value;
    if (value) this.#toEnd();
  }

  center(row: number): void {
    this.place.scrollTop = this.#topOf(row) - this.place.clientHeight / 2;
  }

  /** Show other rows: at the end, if that is where one stays, or where one was. */
  show(look: Look): void {
    const { top } = this;
    const line = this.#look.rows[top];
    const into = this.place.scrollTop - this.#topOf(top);
    this.#look = look;
    this.#lay();
    if (line && !this.#sticks) this.#scrollTo(this.#topOf(rowAt(look.rows, line.offset)) + into);
  }

  /** Break lines that are wider than the place, or let them go on to the right. */
  wrap(wraps: boolean): void {
    const { top } = this;
    this.#wraps = wraps;
    this.place.classList.toggle("log-wraps", wraps);
    this.#columns = wraps ? this.#measure() : null;
    this.#lay();
    if (!this.#sticks) this.#scrollTo(this.#topOf(top));
  }

  #toEnd(): void {
    this.#scrollTo(this.#flow.height * this.#height);
  }

  /** Whoever scrolls by hand is not disturbed by being put where he is. */
  #scrollTo(height: number): void {
    if (Math.abs(this.place.scrollTop - height) >= 1) this.place.scrollTop = height;
  }

  #topOf(row: number): number {
    const { tops, height } = this.#flow;
    return (tops[row] ?? height) * this.#height;
  }

  #lay(): void {
    this.#flow.lay(this.#look.rows, this.#columns);
    const height = `${this.#flow.height * this.#height}px`;
    this.#sizer.style.height = height;
    this.place.style.height = `calc(${height} + 20px)`; // the style sheet says how much at most
    if (this.#sticks) this.#toEnd();
    this.#soon();
  }

  #resized(): void {
    if (this.#wraps && this.#measure() !== this.#columns) this.wrap(true);
    else this.#soon();
  }

  /** How many letters of ASCII fit beside the number of a line. */
  #measure(): number {
    const offset = 0;
    const row = this.#row({ offset, bytes: new Uint8Array(10).fill(120), cut: false }, null, PLAIN);
    this.#drawn.append(row);
    const place = row.lastElementChild as HTMLElement;
    const letters = place.firstElementChild?.getBoundingClientRect().width ?? 0;
    const wide = place.clientWidth - Number.parseFloat(getComputedStyle(place).paddingRight);
    row.remove();
    return Math.max(10, Math.floor((10 * wide) / (letters || 1)) - 1);
  }

  #soon(): void {
    this.#frame ||= requestAnimationFrame(() => {
      this.#frame = 0;
      this.#draw();
    });
  }

  #draw(): void {
    if (this.#sticks) this.#toEnd(); // a browser may have moved the place when rows were dropped
    const { rows } = this.#look;
    const { styles, tops } = this.#flow;
    const above = this.place.scrollTop / this.#height;
    const below = above + Math.ceil(this.place.clientHeight / this.#height) + AROUND;
    const first = Math.max(0, this.#flow.at(above) - AROUND);
    this.#drawn.style.transform = `translateY(${this.#topOf(first)}px)`;
    const fresh = document.createDocumentFragment();
    let number = this.#numberOf(first);
    for (let at = first; at < rows.length && (tops[at] ?? 0) < below; at++) {
      const row = rows[at];
      if (!row) break;
      const begins = at === 0 || !rows[at - 1]?.cut;
      const drawn = this.#row(row, begins ? number : null, styles[at] ?? PLAIN);
      drawn.style.height = `${this.#topOf(at + 1) - this.#topOf(at)}px`;
      fresh.append(drawn);
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

  #row(line: Line, number: number | null, style: Style): HTMLElement {
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
    for (const span of spans(decoder.decode(line.bytes), style)) {
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
