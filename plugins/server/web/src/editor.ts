/**
 * Editors of YAML and JSON over text fields: `<textarea data-editor="yaml">`. The field keeps what
 * is written, so that its form sends it as ever. `data-schema` is the address of a JSON schema for
 * hints, `data-check` that of a check, which answers with what is wrong where.
 */

import { autocompletion, closeBrackets, closeBracketsKeymap, completionKeymap } from "@codemirror/autocomplete";
import { defaultKeymap, history, historyKeymap, indentWithTab } from "@codemirror/commands";
import { json } from "@codemirror/lang-json";
import { yaml } from "@codemirror/lang-yaml";
import {
  bracketMatching,
  foldGutter,
  foldKeymap,
  indentOnInput,
  indentUnit,
  syntaxHighlighting,
} from "@codemirror/language";
import { type Diagnostic, lintGutter, lintKeymap, linter } from "@codemirror/lint";
import { Compartment, EditorState, type Extension } from "@codemirror/state";
import {
  drawSelection,
  EditorView,
  highlightActiveLine,
  hoverTooltip,
  keymap,
  lineNumbers,
} from "@codemirror/view";
import { colours, look } from "./editor/look";
import { OVER } from "./session";
import { type Schema, completions, hint } from "./editor/schema";

interface Fault {
  line: number;
  column?: number;
  message: string;
  severity?: "error" | "warning";
}

const CHECK_MILLISECONDS = 400;

class Editor {
  readonly #view: EditorView;
  readonly #language = new Compartment();
  #schema: Schema | null = null;
  #passing = false;

  constructor(readonly field: HTMLTextAreaElement) {
    const place = document.createElement("div");
    place.className = "editor";
    place.dataset["keep"] = "";
    place.id = `${field.id || field.name}-editor`;
    field.after(place);
    field.hidden = true;
    const root = place.attachShadow({ mode: "open" });
    // in a root of its own, styles come as sheets, which the policy of the page allows
    this.#view = new EditorView({ root, parent: root, state: this.#state() });
    this.#listen();
    if (field.dataset["schema"]) void this.#learn(field.dataset["schema"]);
  }

  #state(): EditorState {
    const { field } = this;
    const label = field.labels?.[0];
    const extensions: Extension[] = [
      lineNumbers(),
      foldGutter(),
      history(),
      drawSelection(),
      indentOnInput(),
      indentUnit.of("  "),
      bracketMatching(),
      closeBrackets(),
      highlightActiveLine(),
      lintGutter(),
      syntaxHighlighting(colours),
      look,
      keymap.of([
        ...closeBracketsKeymap,
        ...defaultKeymap,
        ...historyKeymap,
        ...foldKeymap,
        ...completionKeymap,
        ...lintKeymap,
        indentWithTab,
      ]),
      this.#language.of(languageOf(field.dataset["editor"])),
      autocompletion({ override: [(context) => completions(context, this.#schema)] }),
      hoverTooltip((view, at) => hint(view, at, this.#schema)),
      EditorView.contentAttributes.of({
        "aria-label": label?.textContent?.trim() || field.ariaLabel || "Configuration",
      }),
      EditorView.domEventHandlers({ beforeinput: typedOver }),
      EditorView.updateListener.of((update) => update.docChanged && this.#pass()),
    ];
    if (field.readOnly) extensions.push(EditorState.readOnly.of(true));
    if (field.dataset["check"]) {
      extensions.push(linter((view) => this.#check(view), { delay: CHECK_MILLISECONDS }));
    }
    return EditorState.create({ doc: field.value, extensions });
  }

  #listen(): void {
    this.field.addEventListener("input", () => {
      if (this.#passing) return;
      const insert = this.field.value;
      this.#view.dispatch({ changes: { from: 0, to: this.#view.state.doc.length, insert } });
    });
    this.field.addEventListener("editor-language", (event) => {
      const language = languageOf((event as CustomEvent<string>).detail);
      this.#view.dispatch({ effects: this.#language.reconfigure(language) });
    });
    this.field.labels?.forEach((label) =>
      label.addEventListener("click", () => this.#view.focus()),
    );
  }

  /** Let the field have what is written. */
  #pass(): void {
    this.field.value = this.#view.state.doc.toString();
    this.#passing = true;
    this.field.dispatchEvent(new Event("input", { bubbles: true }));
    this.#passing = false;
  }

  async #learn(url: string): Promise<void> {
    const answer = await fetch(url);
    if (answer.ok) this.#schema = (await answer.json()) as Schema;
  }

  /** Ask the service what is wrong with the whole form, since what may stand here depends on it. */
  async #check(view: EditorView): Promise<Diagnostic[]> {
    const { form, dataset } = this.field;
    if (!form || !dataset["check"]) return [];
    const body = new URLSearchParams([...new FormData(form)].map(([name, value]) => [name, String(value)]));
    const answer = await fetch(dataset["check"], { method: "POST", body });
    if (answer.status === 401) document.dispatchEvent(new Event(OVER));
    if (!answer.ok) return [];
    const faults = (await answer.json()) as Fault[];
    return faults.map(({ line, column = 1, message, severity = "error" }) => {
      const at = view.state.doc.line(Math.min(Math.max(1, line), view.state.doc.lines));
      const indent = at.text.length - at.text.trimStart().length;
      const from = at.from + Math.min(Math.max(indent, column - 1), at.length);
      return { from, to: at.to, message, severity };
    });
  }
}

/**
 * What is typed over a selection of several lines: a browser that joins lines by itself gives them
 * styles of their own, which the policy of the page forbids, and reports.
 */
function typedOver(event: InputEvent, view: EditorView): boolean {
  if (event.inputType !== "insertText" || event.data === null) return false;
  const { from, to } = view.state.selection.main;
  if (view.composing || view.state.doc.lineAt(from).to >= to) return false;
  event.preventDefault();
  view.dispatch(view.state.replaceSelection(event.data), { scrollIntoView: true, userEvent: "input.type" });
  return true;
}

function languageOf(name: string | undefined): Extension {
  return name === "json" ? json() : yaml();
}

export function begin(place: HTMLElement): void {
  if (place instanceof HTMLTextAreaElement) new Editor(place);
}
