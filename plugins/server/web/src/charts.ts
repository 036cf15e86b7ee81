/**
 * Charts over time. `data-chart="lines"` (or `steps`) names by `data-source` the element with the
 * numbers, JSON: `{"x": [seconds…], "series": [{"name", "values", "unit"}]}`. Colours are those of
 * the theme.
 */

import uPlot from "uplot";

interface Numbers {
  x: number[];
  series: { name: string; values: (number | null)[]; unit?: string }[];
}

const HEIGHT = 180;

class Chart {
  #plot: uPlot | null = null;

  constructor(readonly place: HTMLElement) {
    this.#draw();
    let width = place.clientWidth;
    new ResizeObserver(() => {
      if (place.clientWidth === width) return;
      width = place.clientWidth;
      this.#plot?.setSize({ width, height: HEIGHT });
    }).observe(place);
    document.addEventListener("theme", () => this.#draw());
    matchMedia("(prefers-color-scheme: dark)").addEventListener("change", () => this.#draw());
    document.addEventListener("htmx:afterSettle", () => this.#renew());
  }

  #numbers(): Numbers {
    const source = document.querySelector(this.place.dataset["source"] ?? "");
    return JSON.parse(source?.textContent || '{"x": [], "series": []}') as Numbers;
  }

  #renew(): void {
    const { x, series } = this.#numbers();
    this.#plot?.setData([x, ...series.map((one) => one.values)] as uPlot.AlignedData);
  }

  /** A colour of the theme, as a canvas knows it. */
  #colour(value: string): string {
    const probe = document.createElement("span");
    probe.style.color = value;
    this.place.append(probe);
    const { color } = getComputedStyle(probe);
    probe.remove();
    return color;
  }

  #draw(): void {
    this.#plot?.destroy();
    this.place.classList.add("chart");
    const { x, series } = this.#numbers();
    const font = `11px ${getComputedStyle(this.place).fontFamily}`;
    const axis: uPlot.Axis = {
      stroke: this.#colour("var(--muted)"),
      grid: { stroke: this.#colour("var(--line)"), width: 1 },
      ticks: { show: false },
      font,
    };
    const steps = this.place.dataset["chart"] === "steps" ? uPlot.paths.stepped?.({ align: 1 }) : undefined;
    const options: uPlot.Options = {
      width: this.place.clientWidth,
      height: HEIGHT,
      cursor: { points: { size: 6 } },
      scales: { x: { time: true }, y: { range: (_, __, most) => [0, most > 0 ? most * 1.1 : 1] } },
      axes: [axis, { ...axis, size: 56, values: (_, ticks) => ticks.map((one) => told(one, series[0]?.unit)) }],
      series: [
        {},
        ...series.map((one, at): uPlot.Series => {
          const name = `var(--chart-${at + 1})`;
          return {
            label: one.name,
            stroke: this.#colour(name),
            width: 1.5,
            dash: at % 2 ? [4, 3] : [],
            points: { show: true, filter: alone, size: 5, fill: this.#colour(name) },
            value: (_, value) => (value === null ? "–" : told(value, one.unit)),
            ...(steps ? { paths: steps } : {}),
            ...(series.length === 1 ? { fill: this.#colour(`color-mix(in srgb, ${name} 14%, transparent)`) } : {}),
          };
        }),
      ],
    };
    const data = [x, ...series.map((one) => one.values)] as uPlot.AlignedData;
    this.#plot = new uPlot(options, data, this.place);
  }
}

/** Where a value has none beside it: no line goes there, only a point shows it. */
function alone(plot: uPlot, series: number): number[] {
  const values = plot.data[series] ?? [];
  const there = (at: number): boolean => values[at] !== null && values[at] !== undefined;
  return [...values.keys()].filter((at) => there(at) && !there(at - 1) && !there(at + 1));
}

function told(value: number, unit = ""): string {
  if (unit !== "s") return `${Number.isInteger(value) ? value : value.toFixed(1)}${unit && ` ${unit}`}`;
  if (value >= 3600) return `${(value / 3600).toFixed(1)} h`;
  if (value >= 60) return `${(value / 60).toFixed(1)} min`;
  return `${value >= 10 ? Math.round(value) : value.toFixed(1)} s`;
}

export function begin(place: HTMLElement): void {
  new Chart(place);
}
