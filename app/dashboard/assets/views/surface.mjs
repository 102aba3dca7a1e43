/* Maps: an exposure over spot and time, over spot and volatility, and by strike as it was. */

import { read } from "../sources.mjs";
import { set } from "../text.mjs";
import { address, withPosition } from "../view.mjs";
import { ahead, past } from "./surface_charts.mjs";

const EVERY_MS = 5_000;
const PAST_MS = 60_000;
const SPOTS = 61;
const HOURS = Array.from({ length: 29 }, (_, i) => i * 6);
const SHIFTS = Array.from({ length: 21 }, (_, i) => -20 + i * 2.5);
const SPANS = { "6h": 6, "24h": 24, "7d": 168 };
const UNITS = {
  gex: "net GEX, $ per 1 %", flow: "coins that dealers trade from now to there; + they buy",
  vega: "net vega, $ per pt",
};

const PAST = "net GEX, $ per 1 %, all expiries and both books";

let page = null;
const kept = {}; // newest answer of each map, shown until the next one is there

const list = (name, values) => values.map((value) => `${name}=${value}`).join("&");

function scenarios(shown, hours, shifts) {
  const size = `spots=${SPOTS}&reach_pct=${shown.params.reach}`;
  return read(address(shown, "/surface", `${size}&${list("hours", hours)}&${list("shift_pts", shifts)}`), EVERY_MS);
}

/* History is kept of the whole board alone, under each position model. */
function curves(shown) {
  const address = () => {
    const { header } = page;
    if (header?.asset !== shown.asset || !header.as_of) return null;
    const minute = Math.floor(header.as_of / PAST_MS) * PAST_MS;
    return withPosition(shown, "/history/strikes", `from=${minute - SPANS[shown.params.span] * 3_600_000}`);
  };
  return read(address, PAST_MS, undefined, `curves ${shown.asset} ${shown.position} ${shown.params.span}`);
}

export default {
  name: "surface",

  params: { greek: ["gex", "flow", "vega"], reach: ["20", "10", "40"], span: ["24h", "6h", "7d"] },

  sources: (shown) => ({
    ahead: scenarios(shown, HOURS, [0]),
    shifted: scenarios(shown, [0], SHIFTS),
    past: curves(shown),
  }),

  gather(value) {
    for (const name of ["ahead", "shifted", "past"]) {
      const found = value(name);
      if (found?.data) kept[name] = found;
      if (kept[name]?.asset !== page.shown.asset) kept[name] = null;
    }
    return kept.ahead || kept.shifted || kept.past ? { ...kept, next: value("head")?.data?.next_expiry_ms } : null;
  },

  scene: (_, { shown }) => ({ greek: shown.params.greek }),

  charts: {
    "surface-ahead": { everyMs: 1_000, draw: (...given) => ahead("ahead", "hours", ...given) },
    "surface-shifted": { everyMs: 1_000, draw: (...given) => ahead("shifted", "shift_pts", ...given) },
    "surface-past": { everyMs: 2_000, draw: past },
  },

  write() {
    const unit = UNITS[page.shown.params.greek];
    set("unit-surface-ahead", unit);
    set("unit-surface-shifted", unit);
    set("unit-surface-past", kept.past ? PAST : "reading the past \u2026");
  },

  notice() {
    const problem = ["ahead", "shifted", "past"].map((name) => page.value(name)?.problem).find(Boolean);
    return problem ? `${problem.title}: ${problem.detail}` : null;
  },

  attach(opened) {
    page = opened;
  },
};
