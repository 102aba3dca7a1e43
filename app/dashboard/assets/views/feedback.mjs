/* Feedback: how much of a move comes back, loop by loop, and what each number rests on. */

import { cell, fill, make, row } from "../dom.mjs";
import { isKnown, money, number, percent, signed, unsignedMoney } from "../format.mjs";
import { read } from "../sources.mjs";
import { set } from "../text.mjs";
import { address } from "../view.mjs";
import { fan, ladder } from "./feedback_charts.mjs";
import * as market from "./feedback_fan.mjs";

const EVERY_MS = 5_000;
const SHOCK_PCT = 5; // over the stretch that the gain of liquidations is averaged
const FELT = 0.1; // a smaller gain is not coloured: it hardly shows in prices
const NAMES = {
  gamma: "Gamma hedging", funding: "Funding", liquidation: "Liquidations", vega: "Vega hedging",
  coupled: "Spot with volatility",
};
const REASONS = {
  no_market_depth: "The depth of the perpetuals is not known.", net_gex_unknown: "Net GEX is not known under this position model.",
  no_funding: "The perpetual\u2019s funding is not known.", no_open_interest: "The perpetual\u2019s open interest is not known.",
  no_past_prices: "No past prices of the perpetual are known.",
  no_margin_schedule: "The venue\u2019s margins for this asset are not known here.",
  net_vega_unknown: "Net vega is not known under this position model.",
  vega_impact_not_established: "How far option trades move volatility is not established yet.",
  rounds_grow: "Each round is larger than the one before: it comes to nothing finite.",
};
const INPUTS = {
  gex_usd_per_1pct: ["net GEX", (value) => `${money(value)} per 1 %`],
  depth_usd: ["depth within 0.5 %, 15 min", unsignedMoney],
  current_funding: ["funding", (value) => rate(value)],
  open_interest_usd: ["open interest of the perpetuals", unsignedMoney],
  entry_hours: ["hours of past prices", (value) => number(value, 0)],
  forced_usd_per_1pct: ["forced trading near spot", (value) => `${unsignedMoney(value)} per 1 %`],
  vega_usd_per_pt: ["net vega", (value) => `${money(value)} per point`],
  vega_impact_pts_per_usd_per_pt: ["volatility for 1M per point of vega bought", (value) => points(isKnown(value) ? value * 1e6 : value)],
  vega_impact_t_statistic: ["t statistic of that", (value) => number(value, 1)],
  vega_impact_samples: ["hours that it is measured on", (value) => number(value, 0)],
  vanna_usd_per_pt: ["net vanna", (value) => `${money(value)} per point`],
  iv_points_per_pct: ["volatility for +1 % of spot", (value) => points(value)],
  vega_gain: ["gain of vega hedging", (value) => signed(value, 3)],
};

let page = null;

const rate = (value) => (isKnown(value) ? `${percent(value, 4)} for 8 h` : "\u2013");
const points = (value) => (isKnown(value) ? `${signed(value, 2)} points` : "\u2013");
const times = (value) => (isKnown(value) ? `\u00D7${number(value, 2)}` : "runs away");
const plain = (value) => (typeof value === "number" ? number(value, Number.isInteger(value) ? 0 : 3) : value ?? "\u2013");
const spoken = (name) => name.replace(/_usd.*$|_pct$/, "").replaceAll("_", " ");

/* "A move of 1 % comes to 0.91 %" */
const comesTo = (word, loop, when) => (isKnown(loop.amplification)
  ? `${word} of 1 % comes to ${number(loop.amplification, 2)} % ${when}.`
  : `${word} would run on as far as the book is this thin.`);

const SENTENCES = {
  gamma: (loop) => comesTo("A move", loop, "once dealers have hedged it"),
  funding: (loop, { funding }) => {
    if (!funding.current_funding) return "Inside its dead band funding is zero: nobody pays, nobody closes for it.";
    const [payer, paid] = funding.current_funding > 0 ? ["Longs", "shorts"] : ["Shorts", "longs"];
    const size = (value, decimals) => percent(Math.abs(value), decimals).replace("+", "");
    const stacked = funding.stacked
      ? ` Stacked: dealers are short gamma too, a ${funding.stacked_push === "down" ? "fall" : "rise"} meets both.` : "";
    return `${payer} pay ${paid} ${size(funding.current_funding, 4)} for 8 h, ${size(funding.funding_per_year, 1)} a year, ` +
      `${unsignedMoney(funding.paid_usd_per_day)} a day.${stacked}`;
  },
  liquidation: (_, { liquidation: { shock_pct: shock, drop_pct: drop, rise_pct: rise } }) =>
    `If leverage is as assumed, a fall of ${number(shock, 0)} % comes to ${number(-drop, 2)} %, ` +
    `a rise to ${number(rise, 2)} %.`,
  vega: (loop) => {
    if (loop.gain === 0) return "Dealers are long vega: they have none to buy back as volatility rises.";
    return isKnown(loop.amplification)
      ? `A rise of 1 point comes to ${number(loop.amplification, 2)} once dealers have bought back vega.`
      : "Dealers who bought back their vega would drive volatility further than it rose.";
  },
  coupled: (loop) => comesTo("A move", loop, "with liquidations and volatility\u2019s answer counted"),
};

/* The reason in words: the first part of it that has some. */
function unknown(reason) {
  const parts = (reason ?? "").split(":").map((part) => part.trim());
  return parts.map((part) => REASONS[part]).find(Boolean) ?? parts.at(-1).replaceAll("_", " ");
}

function sentence(loop, data) {
  if (!isKnown(loop.gain)) return unknown(loop.reason);
  return (SENTENCES[loop.loop] ?? ((each) => comesTo("A move", each, "through this loop")))(loop, data);
}

function interval({ gain_lo: low, gain_hi: high }) {
  if (!isKnown(low) || !isKnown(high)) return "no interval";
  const [from, to] = [low, high].map((value) => signed(value, 3));
  return from === to ? "steady over 15 min" : `${from} to ${to}`;
}

const LEAST = 0.0005; // below it the gain is printed as 0.000
const DIRECTIONS = { amplifies: "\u25B2 amplifies", dampens: "\u25BC dampens", neither: "no effect" };

function loopCard(loop, data) {
  const isUnknown = !isKnown(loop.gain);
  const tone = Math.abs(loop.gain) >= FELT ? { amplifies: "negative", dampens: "positive" }[loop.direction] : null;
  return make("li", { class: isUnknown ? "is-unknown" : null, "data-loop": loop.loop },
    make("div", { class: "name" }, make("h2", {}, NAMES[loop.loop] ?? loop.loop), make("span", { class: "badge" }, loop.basis.replace("_", " "))),
    make("div", { class: "figures" },
      make("strong", { "data-tone": tone }, signed(loop.gain, 3)),
      make("span", {}, isUnknown ? "unknown" : DIRECTIONS[Math.abs(loop.gain) < LEAST ? "neither" : loop.direction]),
      make("span", {}, isUnknown ? "" : times(loop.amplification))),
    make("small", {}, isUnknown ? "" : `${interval(loop)}, ${loop.unit}`),
    make("p", {}, sentence(loop, data)));
}

/* A heading a loop, then what was read and what was assumed. */
function restRows(loop) {
  const read = Object.entries(loop.inputs).filter(([key]) => key !== "within_pct").map(([key, value]) => {
    const [words, said] = INPUTS[key] ?? [spoken(key), plain];
    return [words, said(value), "read"];
  });
  const assumed = loop.assumptions.map(({ name, value, meaning }) =>
    [`${spoken(name)}: ${meaning}`, plain(value), "assumed"]);
  return [
    row(make("th", { colspan: 3, scope: "rowgroup", class: "group" }, NAMES[loop.loop] ?? loop.loop)),
    ...[...read, ...assumed].map(([words, value, how]) =>
      row(cell(words, "", "wide"), cell(value, "", "strong"), cell(how, how === "assumed" ? "warning" : ""))),
  ];
}

function showLadder({ liquidation }) {
  const { reason, ladder: { forced_usd: forced }, leverage_mix: mix, long_share: share, entry_hours: hours } = liquidation;
  document.getElementById("box-feedback-ladder").classList.toggle("is-unknown", !forced.length);
  const leverages = mix.map(({ leverage, share: part }) => `${number(leverage, 0)}x ${number(part * 100, 0)} %`).join(", ");
  set("feedback-ladder-words", forced.length
    ? `Modelled, since no venue publishes it: open interest spread over the prices of the last ${hours} hours, ` +
      `${number(share * 100, 0)} % long from funding, leverage ${leverages}. What the week has liquidated is left out.`
    : unknown(reason));
}

export default {
  name: "feedback",

  params: market.params,

  sources: (shown) => ({
    feedback: read(address(shown, "/feedback", `shock_pct=${SHOCK_PCT}`), EVERY_MS),
    ...market.simulated(shown),
  }),

  gather(value) {
    const body = value("feedback");
    return body?.data ? { body, simulation: market.gather(value, page.shown) } : null;
  },

  charts: {
    "feedback-ladder": { everyMs: 2_000, from: "feedback", draw: ladder },
    "feedback-fan": { everyMs: 500, from: "simulated", draw: fan },
  },

  write({ body: { data }, simulation }) {
    market.write(simulation, page.shown.params.run && !page.value("simulated"));
    fill("feedback-loops", ...data.loops.map((loop) => loopCard(loop, data)));
    fill("feedback-rests-rows", ...data.loops.flatMap(restRows));
    showLadder(data);
  },

  notice() {
    const problem = ["feedback", "simulated"].map((name) => page?.value(name)?.problem).find(Boolean);
    return problem ? `${problem.title}: ${problem.detail}` : null;
  },

  attach(opened) {
    page = opened;
    market.attach(page);
  },

  reset({ shown }) {
    market.showInputs(shown);
  },
};
