/* Positions: who is assumed to hold what, how far the models disagree, how firmly the flip stands. */

import { cell, fill, make, row } from "../dom.mjs";
import { isKnown, level, money, number, percent, signed } from "../format.mjs";
import { read } from "../sources.mjs";
import { set, toneOf } from "../text.mjs";
import { address } from "../view.mjs";
import { flips, nets } from "./positions_charts.mjs";

const EVERY_MS = 5_000;
const NAMES = {
  naive: "Naive", reversed: "Reversed", customer_long: "Customers long", flow: "Flow", posterior: "Posterior",
};
const REGIMES = { long_gamma: "\u25B2 long", short_gamma: "\u25BC short", unknown: "unknown" };
const TONES = { long_gamma: "positive", short_gamma: "negative" };
const SHIFTS = [
  ["iv_up_usd", "every volatility rises by 1 point"], ["iv_down_usd", "every volatility falls by 1 point"],
  ["basis_up_usd", "forwards rise 1 % at the same spot"], ["basis_down_usd", "forwards fall 1 % at the same spot"],
  ["day_usd", "a day passes and nothing trades"],
];
const MARGINS = [
  ["spot_moved", "spot_margin_days", "Spot reaches the flip", "typical days away"],
  ["level_moved", "level_margin_days", "The flip drifts to spot", "typical days away"],
  ["position_changed", "position_margin_sd", "Positions change the sign", "deviations under 5 % noise"],
];
const FIRST = {
  spot_moved: "Spot moving through the flip would change the regime first.",
  level_moved: "The flip drifting through spot would change the regime first: watch the level, not the price.",
  position_changed: "Small errors in positions would change the regime first: do not lean on its sign.",
};

let page = null;

const share = (value) => (isKnown(value) ? `${number(value * 100, 0)} %` : "\u2013");
const between = (low, high, said) => (isKnown(low) ? `${said(low)} to ${said(high)}` : "\u2013");

function modelRow(model) {
  const isChosen = model.position === page.position;
  const name = make("button", {
    type: "button", class: "link", "aria-pressed": String(isChosen),
    on: { click: () => page.show({ position: model.position }) },
  }, NAMES[model.position] ?? model.position);
  const line = row(
    make("td", {}, name),
    cell(money(model.gex_usd_per_1pct), toneOf(model.gex_usd_per_1pct), "strong"),
    cell(between(model.gex_usd_per_1pct_lo, model.gex_usd_per_1pct_hi, money)),
    cell(REGIMES[model.regime], TONES[model.regime] ?? ""),
    cell(share(model.p_short_gamma)),
    cell(level(model.flip_usd), isKnown(model.flip_usd) ? "flip" : "", "strong"),
    cell(between(model.flip_usd_lo, model.flip_usd_hi, level)),
    cell(share(model.p_no_flip)),
    cell(money(model.vega_usd_per_pt), toneOf(model.vega_usd_per_pt)),
    cell(signed(model.delta_coin, 0)),
    cell(share(model.coverage)),
    cell(model.reason ?? rests(model), "", "wide"),
  );
  if (isChosen) line.className = "chosen";
  return line;
}

const rests = ({ inputs, trades, history_h: hours }) =>
  inputs + (isKnown(trades) ? ` (${number(trades, 0)} prints, ${number(hours, hours < 10 ? 1 : 0)} h)` : "");

function showRange({ range, data }) {
  const agree = range.regime === "unknown"
    ? "they do not agree on the regime" : `all say ${REGIMES[range.regime].slice(2)} gamma`;
  const [first, last] = [range.flip_usd_lo, range.flip_usd_hi].map(level);
  const flips = !isKnown(range.flip_usd_lo) ? "none has a flip"
    : first === last ? `flip at ${first}` : `flips from ${first} to ${last}`;
  const without = range.models_without_flip ? `, ${range.models_without_flip} without one` : "";
  set("positions-range",
    `${range.models} of ${data.length} models answer: net GEX from ${money(range.gex_usd_per_1pct_lo)} to ` +
    `${money(range.gex_usd_per_1pct_hi)}, ${flips}${without}; ${agree}.`);
}

function showStability({ stability, spot_usd: spot }) {
  const { flip_usd: flip, oi_noise_usd: noise, oi_noise_without_flip: without } = stability;
  const name = NAMES[stability.position] ?? stability.position;
  set("positions-flip-words", isKnown(flip)
    ? `${name}: flip ${level(flip)}, ${percent(flip / spot - 1, 2)} from spot. With 5 % noise on every position it ` +
      `scatters by \u00B1${number(noise, noise < 100 ? 1 : 0)}${without ? `, and ${share(without)} of the noisy books have none` : ""}.`
    : `${name}: no flip in this selection.`);
  fill("positions-shifts", ...SHIFTS.map(([column, words]) => {
    const shift = stability[column];
    const isThere = isKnown(shift);
    return row(
      cell(words),
      cell(isThere ? signed(shift, Math.abs(shift) < 100 ? 1 : 0) : "gone or unknown", toneOf(shift), "strong"),
      cell(isThere ? level(flip + shift) : "\u2013", "flip"),
      cell(isThere ? percent(shift / spot, 2) : "\u2013"),
    );
  }));
}

/* Each margin as a bar: the shortest comes first. */
function showMargin({ stability }) {
  set("positions-first", FIRST[stability.first_cause] ?? "Nothing within reach changes the regime, as far as is known.");
  const longest = Math.max(...MARGINS.map(([, column]) => stability[column] ?? 0), 1e-9);
  fill("positions-margins", ...MARGINS.map(([cause, column, words, unit]) => {
    const value = stability[column];
    return make("div", { class: cause === stability.first_cause ? "margin first" : "margin" },
      make("span", {}, words),
      make("strong", {}, isKnown(value) ? number(value, value < 10 ? 2 : 0) : "never"),
      make("small", {}, isKnown(value) ? unit : "as far as is known"),
      make("meter", { min: 0, max: longest, value: value ?? longest, "aria-label": words }));
  }));
}

export default {
  name: "positions",

  sources: (shown) => ({ positions: read(address(shown, "/positions"), EVERY_MS) }),

  gather(value) {
    const found = value("positions");
    return found?.data ? found : null;
  },

  charts: {
    "positions-gex": { everyMs: 2_000, draw: nets },
    "positions-flip": { everyMs: 2_000, draw: flips },
  },

  write(body) {
    fill("positions-rows", ...body.data.map(modelRow));
    showRange(body);
    showStability(body);
    showMargin(body);
  },

  notice() {
    const problem = page?.value("positions")?.problem;
    return problem ? `${problem.title}: ${problem.detail}` : null;
  },

  attach(opened) {
    page = opened;
  },
};
