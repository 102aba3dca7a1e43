/* The board: key figures, charts over strikes, history, expiries, ladder, tape, alerts. */

import { Paths } from "../history.mjs";
import { SteadyRanges, StrikeWindow } from "../ranges.mjs";
import { read, stream } from "../sources.mjs";
import { attachStack, followDrag, pickExpiry } from "../stack.mjs";
import { gammaUnit } from "../units.mjs";
import { address, topic } from "../view.mjs";
import * as charts from "./board_charts.mjs";
import { askStrike } from "./board_search.mjs";
import { Tape } from "./board_tape.mjs";
import * as text from "./board_text.mjs";

const NOTHING = "No option is listed in this selection.";
const OVER_STRIKES = ["gex", "profile", "matrix"];
const CANDLES = 120;
const SPAN_MS = { "4h": 4 * 3_600_000, "1d": 86_400_000, "1w": 7 * 86_400_000, "1m": 30 * 86_400_000 };

const strikes = new StrikeWindow();
const steady = new SteadyRanges();
const paths = new Paths();
const tape = new Tape();
const isTouch = matchMedia("(pointer: coarse)").matches;
let page = null;
let board = null; // what is drawn, null until it is complete
let hasPast = false; // whether there are candles

/* Move the shared strike axis; the URL follows. */
function moveStrikes(change) {
  if (!board) return;
  change(strikes);
  if (!strikes.range) strikes.fit(board);
  steady.reset();
  page.note({ strikes: strikes.isHeld ? strikes.range : null });
  page.redraw(OVER_STRIKES);
}

const stacked = (graph) => followDrag(graph, moveStrikes);
const clickable = (graph) =>
  graph.on("plotly_click", ({ points: [point] }) => pickExpiry(page, point.y));

/* The past up to now: the address changes with the clock, so it is asked when it is read. */
function past(shown) {
  const until = () => (board?.header.asset === shown.asset ? board.header.as_of : null);
  const model = shown.position ? `&position=${shown.position}` : "";
  return () => {
    const to = until();
    return to && `/api/v1/${shown.asset}/history?from=${to - SPAN_MS[shown.params.span]}&to=${to + 1}` +
      `&points=${CANDLES}${model}`;
  };
}

export default {
  name: "board",

  params: {
    greek: ["gex", "vega", "vanna", "charm", "oi"],
    by: ["gex", "vega", "vanna", "charm"],
    span: ["4h", "1d", "1w", "1m"],
    when: ["now", "1h", "4h", "08", "24h"],
    size: ["0", "1", "10", "50"],
  },

  sources: (shown) => ({
    head: stream(topic(shown, "board")), // the headline and more
    map: stream(topic(shown, "map", `greek=${shown.params.greek}`)),
    tape: stream(`${shown.asset}.tape`),
    trades: read(`/api/v1/${shown.asset}/trades?limit=300`),
    past: read(past(shown), 20_000, undefined, `${shown.asset} ${shown.position} ${shown.params.span}`),
    path: read(address(shown, "/hedge-flow/path"), 30_000),
    flow: read(address(shown, "/hedge-flow"), 10_000),
    positions: read(address(shown, "/positions"), 20_000),
    feedback: read(address(shown, "/feedback"), 20_000),
  }),

  /* Only the headline must be there: each other part appears when it comes. */
  gather(value) {
    const { data, topic: name, ...header } = value("head");
    const said = (source) => value(source)?.data ?? null;
    const map = value("map");
    board = {
      name, header, ...data, map,
      matrix: map?.data?.matrix ?? null,
      expiries: map?.data?.expiries ?? null,
      past: said("past"), path: said("path"), flow: said("flow"), feedback: said("feedback"),
      models: said("positions"),
      stability: value("positions")?.stability ?? null,
    };
    return board;
  },

  scene: (data, { shown, preferences }) => ({
    window: strikes, steady, isTouch,
    by: shown.params.by,
    history: paths.of(data.name),
    unit: gammaUnit(preferences.get("unit"), data.header.spot_usd),
    sides: preferences.get("sides"),
    scale: preferences.get("scale"),
  }),

  charts: {
    gex: { everyMs: 500, from: "head", draw: charts.gex, attach: stacked },
    profile: { everyMs: 1_000, from: "head", draw: charts.profile, attach: stacked },
    matrix: {
      everyMs: 2_000, from: "map", draw: charts.matrix, attach: (graph) => { stacked(graph); clickable(graph); },
    },
    expiries: { everyMs: 4_000, from: "map", draw: charts.expiries, attach: clickable },
    history: { everyMs: 4_000, from: "head", draw: charts.history },
    charm: { everyMs: 10_000, from: "path", draw: charts.charm },
  },

  write(data, { shown, preferences, value }) {
    strikes.fit(data);
    paths.of(data.name).add(data.header.as_of, data.header.spot_usd, data.levels.flip_usd);
    const unit = gammaUnit(preferences.get("unit"), data.header.spot_usd);
    text.showKeyFigures(data, unit);
    text.showRange(data, unit);
    text.showLadder(data, shown.params.when);
    text.showLegend(data.header, preferences.get("sides"));
    text.showUnits(shown.params, unit);
    text.showUnknown(data);
    if (data.past && !hasPast) page.redraw(["history"]); // the first candles at once, not at the next turn
    hasPast = data.past !== null;
    tape.show(shown.asset, [page.value("trades")?.data, page.value("tape")?.data], Number(shown.params.size));
  },

  notice: () => (board?.strikes.strike.length === 0 ? NOTHING : board?.header.position_reason
    ? `This position model knows nothing yet: ${board.header.position_reason}.` : null),

  attach(opened) {
    page = opened;
    attachStack(page, strikes, moveStrikes);
  },

  /* What is shown changed: let go of the ranges that fitted what was shown before. */
  reset({ shown }) {
    board = null;
    steady.reset();
    strikes.reset();
    if (shown.strikes) strikes.hold(shown.strikes);
  },

  key(key) {
    if (key === "/") askStrike(board, moveStrikes);
    else if (key.toLowerCase() === "r") moveStrikes((window) => window.reset());
    else return false;
    return true;
  },
};
