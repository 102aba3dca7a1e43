/* The board: key figures, charts over strikes, expiries, history, hedge-flow ladder, alerts. */

import { watchAlerts } from "../alerts.mjs";
import { Paths } from "../history.mjs";
import { SteadyRanges, StrikeWindow } from "../ranges.mjs";
import { stream } from "../sources.mjs";
import { attachStack, followDrag, pickExpiry } from "../stack.mjs";
import { topic } from "../view.mjs";
import * as charts from "./board_charts.mjs";
import * as text from "./board_text.mjs";

const NOTHING = "No option is listed in this selection.";
const ALERTS_MS = 10_000;
const OVER_STRIKES = ["gex", "profile", "matrix"];

const strikes = new StrikeWindow();
const steady = new SteadyRanges();
const paths = new Paths();
const isTouch = matchMedia("(pointer: coarse)").matches;
let page = null;

/* Move the shared strike axis; the URL follows. */
function moveStrikes(change) {
  const data = page.board;
  if (!data) return;
  change(strikes);
  if (!strikes.range) strikes.fit(data);
  steady.reset();
  page.note({ strikes: strikes.isHeld ? strikes.range : null });
  page.redraw(OVER_STRIKES);
}

const stacked = (graph) => followDrag(graph, moveStrikes);
const clickable = (graph) =>
  graph.on("plotly_click", ({ points: [point] }) => pickExpiry(page, point.y));

export default {
  name: "board",

  params: {
    greek: ["gex", "vega", "vanna", "charm", "oi"],
    by: ["vega", "gex"],
  },

  sources: (shown) => ({
    head: stream(topic(shown, "board")), // the headline and more
    map: stream(topic(shown, "map", `greek=${shown.params.greek}`)),
  }),

  /* The map comes at its own rate; the board does not wait for it. */
  gather(value) {
    const { data, topic: name, ...header } = value("head");
    const map = value("map");
    page.board = { name, header, ...data, map: map?.data ? map : null };
    return page.board;
  },

  scene: (_, { shown }) => ({
    window: strikes, steady, isTouch, by: shown.params.by, history: paths.of(page.board.name),
  }),

  charts: {
    gex: { everyMs: 250, draw: charts.gex, attach: stacked },
    profile: { everyMs: 500, draw: charts.profile, attach: stacked },
    matrix: {
      everyMs: 1_000, draw: charts.matrix, attach: (graph) => { stacked(graph); clickable(graph); },
    },
    expiries: { everyMs: 2_000, draw: charts.expiries, attach: clickable },
    history: { everyMs: 2_000, draw: charts.history },
  },

  write(data) {
    strikes.fit(data);
    paths.of(data.name).add(data.header.as_of, data.header.spot_usd, data.levels.flip_usd);
    text.showKeyFigures(data);
    text.showRange(data);
    text.showLadder(data);
    text.showLegend(data);
    text.showUnits(page.shown.params);
  },

  notice: () => (page.board?.strikes.strike.length === 0 ? NOTHING : null),

  attach(opened) {
    page = opened;
    attachStack(page, strikes, moveStrikes);
    watchAlerts(ALERTS_MS);
  },

  /* What is shown changed: let go of the ranges that fitted what was shown before. */
  reset({ shown }) {
    page.board = null;
    steady.reset();
    strikes.reset();
    if (shown.strikes) strikes.hold(shown.strikes);
  },

  key(key) {
    if (key.toLowerCase() !== "r") return false;
    moveStrikes((window) => window.reset());
    return true;
  },
};
