/** How an editor looks: in the colours of the page's theme. */

import { HighlightStyle } from "@codemirror/language";
import { EditorView } from "@codemirror/view";
import { tags } from "@lezer/highlight";

export const colours = HighlightStyle.define([
  { tag: [tags.propertyName, tags.definition(tags.propertyName)], color: "var(--code-key)" },
  { tag: [tags.string, tags.special(tags.string)], color: "var(--code-string)" },
  { tag: [tags.number, tags.bool, tags.null, tags.keyword], color: "var(--code-value)" },
  { tag: tags.comment, color: "var(--code-comment)", fontStyle: "italic" },
  { tag: [tags.punctuation, tags.separator, tags.bracket], color: "var(--code-mark)" },
  { tag: tags.invalid, color: "var(--code-wrong)" },
]);

export const look = EditorView.theme({
  "&": {
    color: "var(--code-text)",
    backgroundColor: "var(--code-back)",
    border: "1px solid var(--code-border)",
    borderRadius: "6px",
    fontSize: "13px",
    minHeight: "8rem",
    maxHeight: "32rem",
  },
  "&.cm-focused": { outline: "2px solid var(--code-focus)", outlineOffset: "1px" },
  ".cm-scroller": { fontFamily: "var(--code-font)", lineHeight: "1.55", overflow: "auto" },
  ".cm-content": { caretColor: "var(--code-text)", padding: "8px 0" },
  ".cm-cursor": { borderLeftColor: "var(--code-text)" },
  ".cm-gutters": {
    backgroundColor: "var(--code-back)",
    color: "var(--code-comment)",
    border: "none",
  },
  ".cm-activeLine, .cm-activeLineGutter": { backgroundColor: "var(--code-active)" },
  "&.cm-focused > .cm-scroller > .cm-selectionLayer .cm-selectionBackground, .cm-selectionBackground":
    { backgroundColor: "var(--code-selection)" },
  ".cm-tooltip": {
    backgroundColor: "var(--code-back)",
    color: "var(--code-text)",
    border: "1px solid var(--code-border)",
    borderRadius: "6px",
    maxWidth: "28rem",
  },
  ".cm-hint": { padding: "6px 10px", whiteSpace: "pre-wrap" },
  ".cm-diagnostic": { padding: "6px 10px" },
});
