/** Strips of links that are wider than a telephone show where one is. */

export function begin(): void {
  for (const here of document.querySelectorAll<HTMLElement>(".side [aria-current], .tabs [aria-current]")) {
    const strip = here.parentElement;
    if (!strip || strip.scrollWidth <= strip.clientWidth) continue;
    const { left, width } = here.getBoundingClientRect();
    strip.scrollLeft += left + width / 2 - strip.getBoundingClientRect().left - strip.clientWidth / 2;
  }
}
