/**
 * What a person does to move away from the end of a log. The place itself tells when it moved, but
 * not who moved it: it moves, too, when lines come, when others are dropped, and when it is resized.
 */

const KEYS = new Set(["ArrowUp", "PageUp", "Home"]);
/** A finger that rests moves so much. */
const REST = 4;

/** Call when somebody goes towards the start: with a wheel, a key, a finger, a bar or the mouse. */
export function onLeavingEnd(place: HTMLElement, leave: () => void): void {
  const away = (): void => {
    if (place.scrollTop > 0) leave();
  };
  const on = <K extends keyof HTMLElementEventMap>(
    kind: K,
    hear: (event: HTMLElementEventMap[K]) => void,
  ): void => place.addEventListener(kind, hear, { passive: true });
  on("wheel", (event) => {
    const scrolls = !event.ctrlKey && Math.abs(event.deltaY) >= Math.abs(event.deltaX);
    if (scrolls && event.deltaY < 0) away();
  });
  on("keydown", (event) => {
    if (KEYS.has(event.key) || (event.key === " " && event.shiftKey)) away();
  });
  let touched = 0;
  on("touchstart", (event) => {
    touched = event.touches[0]?.clientY ?? 0;
  });
  on("touchmove", (event) => {
    if ((event.touches[0]?.clientY ?? 0) > touched + REST) away();
  });
  on("pointerdown", (event) => {
    if (event.button === 1 || onBar(place, event)) away();
  });
  on("pointermove", (event) => {
    const selects = event.pointerType === "mouse" && event.buttons === 1;
    if (selects && !getSelection()?.isCollapsed) away();
  });
}

/** Whether it is the bar at the side that is held. */
function onBar(place: HTMLElement, event: PointerEvent): boolean {
  return event.target === place && event.offsetX >= place.clientWidth;
}
