/** The text of a line as a terminal would show it: colours are kept, all else that steers goes. */

export interface Span {
  text: string;
  /** Names of classes. */
  classes: string[];
  /** Colours that have no class: of 256, or any. */
  colour?: string;
  background?: string;
}

export interface Style {
  bold: boolean;
  dim: boolean;
  italic: boolean;
  underline: boolean;
  inverse: boolean;
  fore: string;
  back: string;
}

export const PLAIN: Style = {
  bold: false,
  dim: false,
  italic: false,
  underline: false,
  inverse: false,
  fore: "",
  back: "",
};
const ESCAPE =
  /\x1b\[([0-9;:]*)m|\x1b\[[0-?]*[ -/]*[@-~]|\x1b\][^\x07\x1b]*(?:\x07|\x1b\\)?|\x1b[ -/]*[0-~]|[\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f]/g;

/** What turns text around, or is not seen, and so could make a line say what it does not. */
const UNSEEN = /[\u061c\u200b\u200e\u200f\u2028-\u202e\u2060-\u206f\ufeff]/g;

/** What a line shows: what was written after the last return of the carriage, as with bars. */
function shown(line: string): string {
  const last = line.replace(/\r+$/, "").slice(dropped(line));
  return last.replace(UNSEEN, (one) => `\\u${one.charCodeAt(0).toString(16).padStart(4, "0")}`);
}

function dropped(line: string): number {
  return line.replace(/\r+$/, "").lastIndexOf("\r") + 1;
}

/** What is left of a line when nothing is steered. */
export function bare(text: string): string {
  return shown(text).replace(ESCAPE, "");
}

/** How text looks that comes after this. */
export function carried(text: string, style: Style): Style {
  for (const match of text.matchAll(ESCAPE)) {
    if (match[1] !== undefined) style = styled(style, match[1]);
  }
  return style;
}

/** What a line shows in pieces of one look each, the first of which looks as the line before it did
 * at its end. */
export function spans(line: string, before: Style): Span[] {
  const text = shown(line);
  const found: Span[] = [];
  let style = carried(line.slice(0, dropped(line)), before);
  let at = 0;
  const add = (end: number): void => {
    if (end > at) found.push(spanOf(text.slice(at, end), style));
  };
  for (const match of text.matchAll(ESCAPE)) {
    add(match.index);
    at = match.index + match[0].length;
    if (match[1] !== undefined) style = styled(style, match[1]);
  }
  add(text.length);
  return found;
}

function spanOf(text: string, style: Style): Span {
  const [fore, back] = style.inverse
    ? [style.back || "inverse", style.fore || "inverse"]
    : [style.fore, style.back];
  const span: Span = { text, classes: [] };
  for (const name of ["bold", "dim", "italic", "underline"] as const) {
    if (style[name]) span.classes.push(`sgr-${name}`);
  }
  if (fore.startsWith("#")) span.colour = fore;
  else if (fore) span.classes.push(`sgr-fore-${fore}`);
  if (back.startsWith("#")) span.background = back;
  else if (back) span.classes.push(`sgr-back-${back}`);
  return span;
}

function styled(style: Style, codes: string): Style {
  const numbers = codes.split(/[;:]/).map(Number);
  let next = { ...style };
  while (numbers.length) {
    const code = numbers.shift() ?? 0;
    if (code === 0) next = { ...PLAIN };
    else if (code === 38 || code === 48) {
      const colour = extended(numbers);
      if (colour !== null) next[code === 38 ? "fore" : "back"] = colour;
    } else Object.assign(next, SWITCHES[code] ?? basic(code));
  }
  return next;
}

const SWITCHES: Record<number, Partial<Style>> = {
  1: { bold: true },
  2: { dim: true },
  3: { italic: true },
  4: { underline: true },
  7: { inverse: true },
  22: { bold: false, dim: false },
  23: { italic: false },
  24: { underline: false },
  27: { inverse: false },
  39: { fore: "" },
  49: { back: "" },
};

function basic(code: number): Partial<Style> {
  if (code >= 30 && code <= 37) return { fore: String(code - 30) };
  if (code >= 90 && code <= 97) return { fore: String(code - 82) };
  if (code >= 40 && code <= 47) return { back: String(code - 40) };
  if (code >= 100 && code <= 107) return { back: String(code - 92) };
  return {};
}

/** A colour of 256, or of all; takes its numbers. */
function extended(numbers: number[]): string | null {
  const kind = numbers.shift();
  if (kind === 2) return hex(numbers.splice(0, 3));
  if (kind !== 5) return null;
  const index = numbers.shift() ?? 0;
  if (index < 16) return String(index);
  if (index >= 232) return hex(Array(3).fill(8 + 10 * (index - 232)));
  const level = (part: number): number => (part ? 55 + 40 * part : 0);
  const cube = index - 16;
  return hex([level(Math.floor(cube / 36)), level(Math.floor(cube / 6) % 6), level(cube % 6)]);
}

function hex(parts: number[]): string {
  const byte = (part: number): string =>
    Math.min(255, Math.max(0, part || 0))
      .toString(16)
      .padStart(2, "0");
  return `#${[0, 1, 2].map((at) => byte(parts[at] ?? 0)).join("")}`;
}
