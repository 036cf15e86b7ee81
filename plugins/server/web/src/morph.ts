/** Lets htmx change only what differs, so that focus, selection and scrolling stay as they are. */

import htmx from "htmx.org";
import { Idiomorph } from "idiomorph";

export function begin(): void {
  htmx.config.includeIndicatorStyles = false;
  htmx.config.allowEval = false;
  htmx.config.allowScriptTags = false;
  htmx.config.selfRequestsOnly = true;
  htmx.config.historyCacheSize = 0;
  // What somebody does between a swap and its settling would be heard by nobody.
  htmx.config.defaultSettleDelay = 0;
  htmx.defineExtension("morph", {
    isInlineSwap: (style: string) => style.startsWith("morph"),
    handleSwap: (style: string, target: Element, fragment: DocumentFragment) => {
      if (!style.startsWith("morph")) return false;
      const morphStyle = style.endsWith("innerHTML") ? "innerHTML" : "outerHTML";
      return Idiomorph.morph(target, fragment.children, {
        morphStyle,
        ignoreActiveValue: true,
        callbacks: { beforeNodeMorphed: (old: Node) => !isKept(old) },
      });
    },
  } as unknown as Parameters<typeof htmx.defineExtension>[1]);
}

/** What a script has built, such as an editor or a chart, and what is open. */
function isKept(node: Node): boolean {
  if (node instanceof HTMLDetailsElement) return node.open && node.querySelector("form") !== null;
  return node instanceof HTMLElement && node.hasAttribute("data-keep");
}
