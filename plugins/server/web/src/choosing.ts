/** Lists in which several launches are chosen: what may be done with them shows while there are any. */

function show(form: HTMLElement): void {
  const boxes = [...form.querySelectorAll<HTMLInputElement>("[data-choice]")];
  const chosen = boxes.filter((box) => box.checked).length;
  const bar = form.querySelector<HTMLElement>("[data-many]");
  const every = form.querySelector<HTMLInputElement>("[data-all]")?.checked ?? false;
  if (bar) bar.hidden = chosen === 0 && !every;
  const count = form.querySelector<HTMLElement>("[data-count]");
  if (count) count.textContent = every ? "All chosen" : `${chosen} chosen`;
  const all = form.querySelector<HTMLInputElement>("[data-choose-all]");
  if (!all) return;
  all.checked = chosen > 0 && chosen === boxes.length;
  all.indeterminate = chosen > 0 && chosen < boxes.length;
}

function each(act: (form: HTMLElement) => void): void {
  document.querySelectorAll<HTMLElement>("[data-choosing]").forEach(act);
}

export function begin(): void {
  document.addEventListener("change", (event) => {
    const box = event.target;
    const form = box instanceof HTMLElement ? box.closest<HTMLElement>("[data-choosing]") : null;
    if (!form || !(box instanceof HTMLInputElement)) return;
    if ("chooseAll" in box.dataset) {
      form.querySelectorAll<HTMLInputElement>("[data-choice]").forEach((one) => {
        one.checked = box.checked;
      });
    }
    show(form);
  });
  document.addEventListener("htmx:afterSettle", () => each(show));
  addEventListener("pageshow", () => each(show)); // a browser may keep what was checked
}
