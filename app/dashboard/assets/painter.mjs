/* Draws charts: one Plotly.react per animation frame, each at its own rate, none out of sight. */

import * as charts from "./charts.mjs";

const EVERY_MS = { gex: 250, profile: 500, matrix: 1_000, expiries: 2_000, history: 2_000 };

export class Painter {
  #charts = new Map();
  #makeScene;
  #onDrawn;
  #frame = 0;
  #timer = 0;
  #observer = new IntersectionObserver((entries) => this.#see(entries));

  /* `makeScene()` returns the board's data and scene, or null while there is nothing to draw;
     `onDrawn(key, caption)` hears of each finished chart. */
  constructor(makeScene, onDrawn) {
    this.#makeScene = makeScene;
    this.#onDrawn = onDrawn;
    document.addEventListener("visibilitychange", () => this.invalidate());
  }

  adopt(key, graph) {
    this.#charts.set(key, {
      graph,
      skeleton: structuredClone({ data: graph.data, layout: graph.layout }),
      config: { ...graph._context },
      margin: graph.layout.margin,
      drawnAt: -Infinity,
      isDirty: false,
      isSeen: false,
      isHeld: false,
    });
    this.#observer.observe(graph);
    graph.addEventListener("pointerdown", () => this.#hold(key), true);
  }

  /* New numbers for the named charts, or all; `now` asks for the next frame at any rate. */
  invalidate(keys = this.#charts.keys(), now = false) {
    for (const key of keys) {
      const chart = this.#charts.get(key);
      chart.isDirty = true;
      if (now) chart.drawnAt = -Infinity;
    }
    this.#schedule();
  }

  /* A chart under the user's finger is left alone: react would end the drag. */
  #hold(key) {
    const chart = this.#charts.get(key);
    chart.isHeld = true;
    addEventListener("pointerup", () => {
      chart.isHeld = false;
      this.invalidate([key]);
    }, { once: true, capture: true });
  }

  #see(entries) {
    for (const entry of entries) {
      for (const chart of this.#charts.values()) {
        if (chart.graph === entry.target) chart.isSeen = entry.isIntersecting;
      }
    }
    this.#schedule();
  }

  #waiting() {
    return [...this.#charts].filter(([, chart]) => chart.isDirty && chart.isSeen && !chart.isHeld);
  }

  #schedule() {
    if (this.#frame || document.hidden) return;
    clearTimeout(this.#timer);
    const now = performance.now();
    const delays = this.#waiting().map(([key, chart]) => chart.drawnAt + EVERY_MS[key] - now);
    if (!delays.length) return;
    const soonest = Math.min(...delays);
    if (soonest > 0) this.#timer = setTimeout(() => this.#schedule(), soonest);
    else this.#frame = requestAnimationFrame(() => this.#draw());
  }

  async #draw() {
    const now = performance.now();
    const due = this.#waiting()
      .map(([key, chart]) => [key, chart, chart.drawnAt + EVERY_MS[key] - now])
      .filter(([, , delay]) => delay <= 0)
      .sort((a, b) => a[2] - b[2]);
    const board = due.length ? this.#makeScene() : null;
    try {
      if (!board) return;
      const [key, chart] = due[0];
      chart.isDirty = false;
      chart.drawnAt = now;
      await this.#react(key, chart, board);
    } finally { // one chart that fails must not stop the others
      this.#frame = 0;
      if (board) this.#schedule();
    }
  }

  async #react(key, { graph, skeleton, config, margin }, { data, scene }) {
    const widthPx = graph.clientWidth - margin.l - margin.r;
    const figure = charts[key](data, skeleton, { ...scene, widthPx });
    await Plotly.react(graph, figure.data, figure.layout, config);
    this.#onDrawn(key, figure.caption);
  }
}
