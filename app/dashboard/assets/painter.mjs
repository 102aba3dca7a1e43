/* Draws charts: one Plotly.react per animation frame, each at its own rate, none out of sight. */

import { coloured } from "./palette.mjs";

const CONFIG = {
  displaylogo: false, displayModeBar: false, showSendToCloud: false, doubleClick: false, scrollZoom: false,
};

/* A chart is drawn when news arrives, so that it shows the newest: a little early rather than a
   piece of news late, and by the clock alone when no more news comes. */
const EARLY_MS = 60;
const NEWS_MS = 300;

const delayOf = ({ drawnAt, everyMs }, now) => drawnAt + everyMs - EARLY_MS - now;

export class Painter {
  #charts = new Map(); // of every view that was opened; only those in sight are drawn
  #view = "";
  #makeScene;
  #onDrawn;
  #frame = 0;
  #timer = 0;
  #sight = new IntersectionObserver((entries) => this.#see(entries));
  #sizes = new ResizeObserver((entries) => this.#resize(entries));

  /* `makeScene()` returns the view's { data, scene }, or null while there is nothing to draw;
     `onDrawn(key, graph, caption)` hears of each finished chart. */
  constructor(makeScene, onDrawn) {
    this.#makeScene = makeScene;
    this.#onDrawn = onDrawn;
    document.addEventListener("visibilitychange", () => this.invalidate());
  }

  /* `charts`: key -> { everyMs, draw(data, skeleton, scene), attach?(graph) } of one view, which
     is the one in sight from now on. */
  show(view, charts) {
    this.#view = view;
    if ([...this.#charts.values()].some((chart) => chart.view === view)) return;
    for (const [key, { everyMs, draw, attach }] of Object.entries(charts)) {
      const place = document.getElementById(`chart-${key}`);
      const graph = place.firstElementChild;
      this.#charts.set(key, {
        view, graph, everyMs, draw, attach,
        figure: JSON.parse(place.dataset.figure),
        skeleton: null,
        drawnAt: -Infinity,
        isDirty: false,
        isSeen: false,
        isHeld: false,
      });
      this.#sight.observe(graph);
      this.#sizes.observe(graph);
      graph.addEventListener("pointerdown", () => this.#hold(key), true);
    }
  }

  graph(key) {
    return this.#charts.get(key)?.graph;
  }

  /* New numbers for the named charts, or all; `now` asks for the next frame at any rate. */
  invalidate(keys = this.#charts.keys(), now = false) {
    for (const key of keys) {
      const chart = this.#charts.get(key);
      if (!chart) continue;
      chart.isDirty = true;
      if (now) chart.drawnAt = -Infinity;
    }
    this.#schedule();
  }

  /* The theme changed: skeletons take its colours at their next drawing. */
  recolour() {
    for (const chart of this.#charts.values()) chart.skeleton = null;
    this.invalidate(undefined, true);
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

  #ofGraph(graph) {
    return [...this.#charts.values()].find((chart) => chart.graph === graph);
  }

  #see(entries) {
    for (const { target, isIntersecting } of entries) this.#ofGraph(target).isSeen = isIntersecting;
    this.#schedule();
  }

  #resize(entries) {
    for (const { target } of entries) {
      if (target.clientWidth) Object.assign(this.#ofGraph(target), { isDirty: true, drawnAt: -Infinity });
    }
    this.#schedule();
  }

  #waiting() {
    return [...this.#charts].filter(([, { view, isDirty, isSeen, isHeld }]) =>
      view === this.#view && isDirty && isSeen && !isHeld);
  }

  #schedule() {
    if (this.#frame || document.hidden) return;
    clearTimeout(this.#timer);
    const now = performance.now();
    const delays = this.#waiting().map(([, chart]) => delayOf(chart, now));
    if (!delays.length) return;
    const soonest = Math.min(...delays);
    if (soonest > 0) this.#timer = setTimeout(() => this.#schedule(), soonest + EARLY_MS + NEWS_MS);
    else this.#frame = requestAnimationFrame(() => this.#draw());
  }

  async #draw() {
    const now = performance.now();
    const due = this.#waiting()
      .map(([key, chart]) => [key, chart, delayOf(chart, now)])
      .filter(([, , delay]) => delay <= 0)
      .sort((a, b) => a[2] - b[2]);
    const made = due.length ? this.#makeScene() : null;
    try {
      if (!made) return;
      const [key, chart] = due[0];
      chart.isDirty = false;
      chart.drawnAt = now;
      await this.#react(key, chart, made);
    } finally { // one chart that fails must not stop the others
      this.#frame = 0;
      if (made) this.#schedule();
    }
  }

  async #react(key, chart, { data, scene }) {
    const { graph, draw, attach } = chart;
    chart.skeleton ??= coloured(chart.figure);
    const { l, r, t, b } = chart.skeleton.layout.margin;
    const [width, height] = [graph.clientWidth, graph.clientHeight];
    const figure = draw(data, chart.skeleton, { ...scene, widthPx: width - l - r, heightPx: height - t - b });
    if (!figure) {
      chart.drawnAt = -Infinity; // drawn as soon as what it lacks is there
      return;
    }
    const isFirst = !graph.data;
    const layout = { ...figure.layout, width, height, meta: figure.meta ?? scene.meta };
    await Plotly.react(graph, figure.data, layout, CONFIG);
    if (isFirst) attach?.(graph);
    this.#onDrawn(key, graph, figure.caption);
  }
}
