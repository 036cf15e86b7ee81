/** Hints from a JSON schema: which keys may stand where, and what they mean. */

import type { Completion, CompletionContext, CompletionResult } from "@codemirror/autocomplete";
import { syntaxTree } from "@codemirror/language";
import type { EditorState } from "@codemirror/state";
import type { EditorView, Tooltip } from "@codemirror/view";
import type { SyntaxNode } from "@lezer/common";

export interface Schema {
  $ref?: string;
  $defs?: Record<string, Schema>;
  definitions?: Record<string, Schema>;
  type?: string | string[];
  description?: string;
  default?: unknown;
  enum?: unknown[];
  properties?: Record<string, Schema>;
  additionalProperties?: Schema | boolean;
  items?: Schema;
  anyOf?: Schema[];
  oneOf?: Schema[];
  allOf?: Schema[];
}

const PAIRS = new Set(["Pair", "Property"]);
const ITEMS = new Set(["Item", "Array"]);

export function completions(context: CompletionContext, root: Schema | null): CompletionResult | null {
  if (!root) return null;
  const line = context.state.doc.lineAt(context.pos);
  const before = line.text.slice(0, context.pos - line.from);
  const value = /^(\s*(?:- )?)"?([\w.-]+)"?:\s+"?([\w.-]*)$/.exec(before);
  const path = pathAt(context.state, context.pos, indentOf(before));
  if (value) {
    const own = find(root, [...path, value[2] ?? ""]);
    const options = own.flatMap((one) => (one.enum ?? []).map((word) => ({ label: String(word) })));
    return options.length ? { from: context.pos - (value[3]?.length ?? 0), options } : null;
  }
  const key = /^\s*(?:- )?"?([\w.-]*)$/.exec(before);
  if (!key || (!key[1] && !context.explicit)) return null;
  const options: Completion[] = find(root, path).flatMap((one) =>
    Object.entries(one.properties ?? {}).map(([label, schema]) => {
      const [known = schema] = resolved(root, schema);
      return { label, type: "property", detail: typeOf(known), info: known.description ?? "" };
    }),
  );
  return options.length ? { from: context.pos - (key[1]?.length ?? 0), options, validFor: /^[\w.-]*$/ } : null;
}

export function hint(view: EditorView, at: number, root: Schema | null): Tooltip | null {
  if (!root) return null;
  const line = view.state.doc.lineAt(at);
  const key = /^(\s*(?:- )?)"?([\w.-]+)"?\s*:/.exec(line.text);
  if (!key || at > line.from + key[0].length) return null;
  const path = [...pathAt(view.state, line.from, indentOf(line.text)), key[2] ?? ""];
  const [schema] = find(root, path);
  if (!schema) return null;
  const usual = schema.default === undefined ? "" : `usual: ${JSON.stringify(schema.default)}`;
  const about = [typeOf(schema), usual].filter(Boolean).join(", ");
  return {
    pos: line.from + (key[1]?.length ?? 0),
    above: true,
    create: () => {
      const dom = document.createElement("div");
      dom.className = "cm-hint";
      dom.textContent = `${path.join(".")}  ${about}\n${schema.description ?? ""}`.trim();
      return { dom };
    },
  };
}

/** The keys above a place: by the tree if it stands in JSON, by indentation if in YAML. */
function pathAt(state: EditorState, at: number, indent: number): string[] {
  const tree = syntaxTree(state);
  if (tree.topNode.name === "JsonText") return pathInTree(state, tree.resolveInner(at, -1));
  const path: string[] = [];
  let least = indent;
  for (let number = state.doc.lineAt(at).number - 1; number > 0 && least > 0; number--) {
    const text = state.doc.line(number).text;
    const key = /^(\s*(?:- )*)"?([\w.-]+)"?\s*:/.exec(text);
    if (!key || !text.trim()) continue;
    const own = (key[1] ?? "").length;
    if (own >= least) continue;
    path.unshift(key[2] ?? "");
    least = own;
  }
  return path;
}

function pathInTree(state: EditorState, inner: SyntaxNode): string[] {
  const path: string[] = [];
  let node: SyntaxNode | null = inner.parent;
  for (let last = inner; node; last = node, node = node.parent) {
    if (ITEMS.has(node.name)) continue;
    const name = PAIRS.has(node.name) ? node.firstChild : null;
    if (name && last !== name && last.from !== name.from) {
      path.unshift(state.sliceDoc(name.from, name.to).replaceAll('"', ""));
    }
  }
  return path;
}

function indentOf(text: string): number {
  return /^\s*(?:- )*/.exec(text)?.[0].length ?? 0;
}

/** What a schema says of the place at the end of a path. */
function find(root: Schema, path: string[]): Schema[] {
  let places = resolved(root, root);
  for (const key of path) {
    places = places.flatMap((place) => {
      const item = resolved(root, place.items ?? {}).find((one) => one.properties);
      const holder = place.properties ? place : (item ?? place);
      const more = typeof holder.additionalProperties === "object" ? holder.additionalProperties : null;
      const next = holder.properties?.[key] ?? more;
      return next ? resolved(root, next) : [];
    });
  }
  return places.flatMap((place) => (place.properties || !place.items ? [place] : resolved(root, place.items)));
}

/** A schema with what it refers to, and each of the choices that it gives. */
function resolved(root: Schema, schema: Schema, depth = 0): Schema[] {
  if (depth > 20) return [];
  if (schema.$ref) {
    const name = schema.$ref.split("/").at(-1) ?? "";
    const target = root.$defs?.[name] ?? root.definitions?.[name];
    const found = target ? resolved(root, target, depth + 1) : [];
    return found.map((one) => ({ ...one, description: schema.description ?? one.description ?? "" }));
  }
  const choices = [...(schema.anyOf ?? []), ...(schema.oneOf ?? []), ...(schema.allOf ?? [])];
  if (!choices.length) return [schema];
  const { anyOf: _, oneOf: __, allOf: ___, ...own } = schema;
  return choices
    .filter((choice) => choice.type !== "null")
    .flatMap((choice) => resolved(root, choice, depth + 1).map((one) => ({ ...one, ...own, ...one })));
}

function typeOf(schema: Schema): string {
  if (schema.enum) return schema.enum.map(String).join(" | ");
  return [schema.type ?? ""].flat().join(" | ");
}
