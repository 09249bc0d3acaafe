// A chart of the last minutes: lines over one axis of time, values read off under the pointer.

import { element, shape } from "./parts.js";

const LEFT = 46;
const BOTTOM = 18;
const TOP = 6;
export const SPAN_MS = 15 * 60 * 1000;

/** `lines` are {label(), of(point)}: a line without a label is left out, a point may be worth null. */
export class Chart {
  constructor(title, lines, format) {
    this.lines = lines;
    this.format = format;
    this.points = [];
    this.svg = shape("svg", { class: "chart", role: "img", "aria-label": title });
    this.legend = lines.map((line, n) => element("span", { class: `series-${n}` }));
    this.when = element("small", {});
    this.figure = element("figure", { class: "card" }, element("figcaption", {}, element("b", {}, title, " ", this.when), ...this.legend), this.svg);
    this.svg.addEventListener("pointermove", (event) => this.point(event));
    this.svg.addEventListener("pointerleave", () => this.point(null));
    // Drawn in units of pixels, so that letters keep their shape.
    new ResizeObserver(() => this.draw(this.points, this.end)).observe(this.svg);
  }

  draw(points, end) {
    [this.points, this.end] = [points, end];
    const { width, height } = this.svg.getBoundingClientRect();
    if (!width || !end) return;
    this.size = { width, height };
    this.svg.setAttribute("viewBox", `0 0 ${width} ${height}`);
    const top = roundUp(Math.max(...points.flatMap((point) => this.lines.map((line) => line.of(point) ?? 0)), 0));
    this.svg.replaceChildren(...this.grid(top), ...this.lines.map((line, n) => this.curve(line, n, top)));
    this.cursor = shape("line", { class: "cursor", y1: TOP, y2: height - BOTTOM, visibility: "hidden" });
    this.svg.append(this.cursor);
    this.tell();
  }

  grid(top) {
    const { width, height } = this.size;
    const rows = [0, 0.5, 1].flatMap((share) => {
      const y = this.y(share * top, top);
      return [shape("line", { x1: LEFT, x2: width, y1: y, y2: y }), shape("text", { x: LEFT - 6, y: y + 4, "text-anchor": "end" }, this.format(share * top))];
    });
    const times = [15, 10, 5, 0].map((minutes) =>
      shape("text", { x: this.x(this.end - minutes * 60_000), y: height - 3, "text-anchor": minutes === 15 ? "start" : minutes ? "middle" : "end" }, minutes ? `−${minutes} min` : "now"),
    );
    return [...rows, ...times];
  }

  curve(line, n, top) {
    let path = "";
    let last = null;
    for (const point of this.points) {
      const value = line.of(point);
      if (value === null || value === undefined) continue;
      // What lies apart is not joined: nothing is known of the time between.
      const joined = last !== null && point.at - last <= 15_000;
      path += `${joined ? "L" : "M"}${this.x(point.at).toFixed(1)} ${this.y(value, top).toFixed(1)}${joined ? "" : "h0.5"}`;
      last = point.at;
    }
    return shape("path", { class: `series-${n}`, d: path });
  }

  point(event) {
    if (event && this.size) {
      const at = this.end - SPAN_MS + ((event.offsetX - LEFT) / (this.size.width - LEFT)) * SPAN_MS;
      this.pointed = this.points.reduce((best, point) => (Math.abs(point.at - at) < Math.abs((best?.at ?? 0) - at) ? point : best), null)?.at;
    } else {
      this.pointed = undefined;
    }
    this.tell();
  }

  /** Says in words what the lines show: under the pointer, else last. */
  tell() {
    const point = this.points.find(({ at }) => at === this.pointed) ?? this.points.at(-1);
    this.lines.forEach((line, n) => {
      const value = point && line.of(point);
      this.legend[n].hidden = !line.label();
      this.legend[n].textContent = `${line.label()} ${value === null || value === undefined ? "–" : this.format(value)}`;
    });
    this.when.textContent = this.pointed ? new Date(this.pointed).toLocaleTimeString() : "";
    if (!this.cursor) return;
    this.cursor.setAttribute("visibility", this.pointed ? "visible" : "hidden");
    for (const end of ["x1", "x2"]) this.cursor.setAttribute(end, this.x(this.pointed ?? this.end));
  }

  x(at) {
    return LEFT + Math.max(0, 1 - (this.end - at) / SPAN_MS) * (this.size.width - LEFT);
  }

  y(value, top) {
    return TOP + (1 - value / top) * (this.size.height - TOP - BOTTOM);
  }
}

/** The next of 1, 2, 5, 10, … that is no less. */
function roundUp(value) {
  const power = 10 ** Math.floor(Math.log10(Math.max(value, 1e-3)));
  return [1, 2, 5, 10].map((step) => step * power).find((bound) => bound >= value * 0.999);
}
