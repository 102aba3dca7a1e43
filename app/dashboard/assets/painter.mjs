/* Draws charts: one Plotly.react per animation frame, each at its own rate, none out of sight. */

import { coloured } from "./palette.mjs";

const CONFIG = {
  displaylogo: false, displayModeBar: false, showSendToCloud: false, doubleClick: false, scrollZoom: false,
};

/* A chart is drawn when news arrives, so that it shows the newest: a little early rather than a piece
   of news late. News that waited behind other charts is left for the next, which comes soon; a chart
   that has missed its turn for long is drawn as it is. */
const EARLY = 0.15; // of its rate
const FRESH_MS = 120;
const PATIENCE_MS = 1_500;

const dueAt = ({ shownAt, everyMs }) => shownAt + everyMs * (1 - EARLY);

/* Milliseconds until a chart with news is drawn even if no more comes; 0 when it is its turn. */
function waitOf(chart, now) {
  const due = dueAt(chart);
  if (due <= now && now - chart.newsAt < FRESH_MS) return 0;
  return Math.max(0, due + Math.min(2 * chart.everyMs, PATIENCE_MS) - now);
}

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
        newsAt: -Infinity,
        shownAt: -Infinity, // when the news came that is drawn
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
    const newsAt = performance.now();
    for (const key of keys) {
      const chart = this.#charts.get(key);
      if (chart) Object.assign(chart, { isDirty: true }, now ? { shownAt: -Infinity } : { newsAt });
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
      if (target.clientWidth) Object.assign(this.#ofGraph(target), { isDirty: true, shownAt: -Infinity });
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
    const waits = this.#waiting().map(([, chart]) => waitOf(chart, now));
    if (!waits.length) return;
    const soonest = Math.min(...waits);
    if (soonest > 0) this.#timer = setTimeout(() => this.#schedule(), soonest);
    else this.#frame = requestAnimationFrame(() => this.#draw());
  }

  async #draw() {
    const now = performance.now();
    const due = this.#waiting()
      .filter(([, chart]) => waitOf(chart, now) === 0)
      .sort(([, a], [, b]) => dueAt(a) - dueAt(b));
    const made = due.length ? this.#makeScene() : null;
    try {
      if (!made) return;
      const [key, chart] = due[0];
      chart.isDirty = false;
      chart.shownAt = chart.newsAt;
      await this.#react(key, chart, made);
    } finally { // one chart that fails must not stop the others
      this.#frame = 0;
      if (made || !due.length) this.#schedule();
    }
  }

  async #react(key, chart, { data, scene }) {
    const { graph, draw, attach } = chart;
    chart.skeleton ??= coloured(chart.figure);
    const { l, r, t, b } = chart.skeleton.layout.margin;
    const [width, height] = [graph.clientWidth, graph.clientHeight];
    const figure = draw(data, chart.skeleton, { ...scene, widthPx: width - l - r, heightPx: height - t - b });
    if (!figure) {
      chart.shownAt = -Infinity; // drawn as soon as what it lacks is there
      return;
    }
    const isFirst = !graph.data;
    const layout = { ...figure.layout, width, height, meta: figure.meta ?? scene.meta };
    await Plotly.react(graph, figure.data, layout, CONFIG);
    if (isFirst) attach?.(graph);
    this.#onDrawn(key, graph, figure.caption);
  }
}
