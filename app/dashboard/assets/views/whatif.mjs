/* What-if: a market as it might be and trades that might be made; then beside now. */

import { calmly, cell, fill, make, row } from "../dom.mjs";
import { clock, coins, isKnown, level, money, number, percent, signed, unsignedMoney } from "../format.mjs";
import { read } from "../sources.mjs";
import { set, toneOf } from "../text.mjs";
import { address, matching } from "../view.mjs";
import { profile } from "./whatif_charts.mjs";

const EVERY_MS = 3_000;
const LISTED_MS = 60_000;
const CALM_MS = 120;
const MOST_TRADES = 20;
const NUMBER = /^-?\d{1,4}(\.\d{1,2})?$/;
const TRADES = /^([A-Z0-9_]+-\d{1,2}[A-Z]{3}\d{2}-[\dd]+-[CP][bs]\d+(\.\d+)?~?){0,20}$/;
const TRADE = /^(.+-[CP])([bs])([\d.]+)$/;
const REGIMES = { long_gamma: "\u25B2 Long", short_gamma: "\u25BC Short", unknown: "Unknown" };
const SLIDERS = [
  { part: "move", word: "Spot", unit: "%", low: -30, high: 30, step: 0.5, least: -90, most: 300 },
  { part: "iv", word: "Volatility", unit: "points", low: -30, high: 60, step: 1, least: -200, most: 300 },
  { part: "hours", word: "Time", unit: "hours", low: 0, high: 336, step: 1, least: 0, most: 8760 },
];
const PRESETS = [
  ["Nothing moves", 0, 0, 0], ["\u221210 %, +10 pt", -10, 10, 0], ["\u22123 %, +3 pt", -3, 3, 0],
  ["+3 %, \u22122 pt", 3, -2, 0], ["+10 %", 10, 0, 0], ["In a day", 0, 0, 24], ["In a week", 0, 0, 168],
];

let page = null;
let answer = null; // newest answer, kept on screen while the next one is computed
let shown = null; // the answer that the texts say
let listed = null; // strikes and expiries of the asset

const parsed = (text) => text.split("~").filter(Boolean).map((part) => {
  const [, name, side, amount] = TRADE.exec(part);
  return { instrument_name: name, side: side === "b" ? "buy" : "sell", amount_coin: Number(amount) };
});

const written = (trades) => trades
  .map(({ instrument_name: name, side, amount_coin: amount }) => `${name}${side[0]}${amount}`).join("~");

/* The question as the API takes it. */
function question({ asset, position, expiries, book, params }) {
  return {
    asset, book, expiry: expiries, ...(position && { position }),
    move_pct: Number(params.move), iv_shift_pts: Number(params.iv), hours: Number(params.hours),
    trades: parsed(params.trades),
  };
}

/* "dealers buy 12.3M" */
function trade(usd) {
  if (!isKnown(usd)) return "\u2013";
  return usd ? `${usd > 0 ? "buy" : "sell"} ${unsignedMoney(usd)}` : "nothing";
}

function compare(id, then, now, said, tone = toneOf(then)) {
  set(`whatif-then-${id}`, said(then), tone);
  set(`whatif-now-${id}`, `now ${said(now)}`);
}

function showComparison({ before, after }) {
  const of = (side, move) => side.hedge_flow.flow_usd[side.hedge_flow.move_pct.indexOf(move)];
  const net = (name) => [after.net[name], before.net[name]];
  compare("gex", ...net("gex_usd_per_1pct"), money);
  compare("delta", ...net("delta_coin"), (value) => signed(value, 0));
  compare("vega", ...net("vega_usd_per_pt"), money);
  compare("flip", after.levels.flip_usd, before.levels.flip_usd, level, "flip");
  compare("up", of(after, 1), of(before, 1), trade);
  compare("down", of(after, -1), of(before, -1), trade);
  const tones = { long_gamma: "positive", short_gamma: "negative" };
  compare("regime", after.regime, before.regime, (regime) => REGIMES[regime], tones[after.regime] ?? "");
}

function showMarket({ scenario, flow }) {
  const over = scenario.expired.length ? ` Over by then: ${scenario.expired.join(", ")}.` : "";
  set("whatif-arrival",
    `Index ${level(scenario.spot_usd)} at ${clock(scenario.as_of)} UTC.${over} To follow, dealers ` +
    (flow.scenario_usd ? `${trade(flow.scenario_usd)} (${signed(flow.scenario_coin, 1)} coins) with the book they have now.` : "have nothing to trade."));
}

function tradeItem(added, i) {
  const remove = make("button", {
    type: "button", class: "remove", "aria-label": `Remove ${added.instrument_name}`,
    on: { click: () => setTrades(parsed(page.shown.params.trades).filter((_, j) => j !== i)) },
  }, "\u00D7");
  return make("li", {},
    make("strong", {}, `Customer ${added.side === "buy" ? "buys" : "sells"} ${number(added.amount_coin, added.amount_coin % 1 ? 1 : 0)}`),
    make("span", { class: "name" }, added.instrument_name), remove,
    make("small", {}, `dealers: GEX ${money(added.gex_usd_per_1pct)}, delta ${signed(added.delta_coin, 1)}, ` +
      `vega ${money(added.vega_usd_per_pt)}`));
}

function showTrades({ trades, flow }) {
  fill("whatif-added", ...trades.map(tradeItem));
  set("whatif-hedge", trades.length
    ? `To hedge them, dealers ${trade(flow.trades_usd)} (${signed(flow.trades_coin, 1)} coins) once there.` : "");
}

function showLadder({ before, after }) {
  const [now, then] = [before.hedge_flow, after.hedge_flow];
  const rows = then.move_pct.map((move, i) => row(
    cell(move ? percent(move / 100, 1) : "spot", "", move ? "" : "spot"),
    cell(move ? trade(now.flow_usd[i]) : level(now.spot_usd[i]), move ? toneOf(now.flow_usd[i]) : ""),
    cell(move ? trade(then.flow_usd[i]) : level(then.spot_usd[i]), move ? toneOf(then.flow_usd[i]) : "", "strong"),
    cell(move ? coins(Math.abs(then.flow_coin[i])) : "", ""),
  ));
  fill("whatif-rows", ...rows.reverse());
}

/* Sliders and boxes show what the URL says, but never fight the hand that moves them. */
function showInputs({ params }) {
  for (const { part } of SLIDERS) {
    for (const id of [`whatif-${part}`, `slide-${part}`]) {
      const input = document.getElementById(id);
      if (input !== document.activeElement || input.value === "") input.value = params[part];
    }
  }
}

const setTrades = (trades) => page.showParam("trades", written(trades.slice(0, MOST_TRADES)));

/* One for each slider, so that none swallows the move of another. */
const moves = Object.fromEntries(SLIDERS.map(({ part }) =>
  [part, calmly(CALM_MS, (text) => page.showParam(part, text))]));

function slider({ part, word, unit, low, high, step, least, most }) {
  const listen = ({ target }) => {
    const value = Math.min(most, Math.max(least, Number(target.value) || 0));
    document.getElementById(target.id === `whatif-${part}` ? `slide-${part}` : `whatif-${part}`).value = value;
    moves[part](String(value));
  };
  return make("div", { class: "slider" },
    make("label", { for: `whatif-${part}` }, word, make("small", {}, unit)),
    make("input", { id: `whatif-${part}`, type: "number", min: least, max: most, step: "any", on: { input: listen } }),
    make("input", { id: `slide-${part}`, type: "range", min: low, max: high, step, "aria-label": `${word}, ${unit}`, on: { input: listen } }),
  );
}

const preset = ([word, ...values]) => make("button", {
  type: "button",
  on: {
    click: () => page.show({
      params: { ...page.shown.params, move: String(values[0]), iv: String(values[1]), hours: String(values[2]) },
    }),
  },
}, word);

function form() {
  const choice = (id, label, ...options) => make("label", {}, make("small", {}, label),
    make("select", { id, required: true }, ...options.map((word) => make("option", {}, word))));
  const add = (event) => {
    event.preventDefault();
    const value = (id) => document.getElementById(id).value;
    const strike = value("whatif-trade-strike").replace(".", "d");
    const name = `${bookName()}-${value("whatif-trade-expiry")}-${strike}-${value("whatif-trade-type")[0].toUpperCase()}`;
    const trades = parsed(page.shown.params.trades);
    setTrades([...trades, {
      instrument_name: name, side: value("whatif-trade-side").split(" ")[1].replace("s", ""), amount_coin: Number(value("whatif-trade-amount")),
    }]);
  };
  return make("form", { class: "whatif-trade-form", on: { submit: add } },
    choice("whatif-trade-side", "Customer", "Customer buys", "Customer sells"),
    make("label", {}, make("small", {}, "Coins"),
      make("input", { id: "whatif-trade-amount", type: "number", min: 0.1, max: 1e6, step: "any", value: 500, required: true })),
    choice("whatif-trade-expiry", "Expiry"), choice("whatif-trade-strike", "Strike"),
    choice("whatif-trade-type", "Type", "call", "put"),
    make("button", { type: "submit", class: "button" }, "Add trade"));
}

const bookName = () => (page.shown.book === "linear" ? `${page.shown.asset}_USDC` : page.shown.asset);

/* The lists offer what is listed, nearest the money first chosen. */
function showListed({ data, asset, spot_usd: spot }) {
  if (listed === data) return;
  const isOther = listed?.asset !== asset;
  listed = Object.assign(data, { asset });
  const expiry = document.getElementById("whatif-trade-expiry");
  const chosen = isOther ? null : expiry.value;
  expiry.replaceChildren(...data.expiries.map((label) => make("option", {}, label)));
  expiry.value = data.expiries.includes(chosen) ? chosen : data.expiries[Math.min(2, data.expiries.length - 1)] ?? "";
  listStrikes(spot, isOther);
}

function listStrikes(spot, isOther = false) {
  const select = document.getElementById("whatif-trade-strike");
  const line = listed.values[listed.expiries.indexOf(document.getElementById("whatif-trade-expiry").value)] ?? [];
  const strikes = listed.strikes.filter((_, i) => isKnown(line[i]));
  const wanted = isOther || !select.value ? spot : Number(select.value);
  const nearest = strikes.reduce((best, k) => (Math.abs(k - wanted) < Math.abs(best - wanted) ? k : best), strikes[0]);
  select.replaceChildren(...strikes.map((k) => make("option", { value: k }, number(k, k % 1 ? 2 : 0))));
  select.value = nearest;
}

export default {
  name: "whatif",

  params: {
    move: matching(NUMBER, "0"), iv: matching(NUMBER, "0"), hours: matching(NUMBER, "0"),
    trades: matching(TRADES, ""),
  },

  sources: (shown) => ({
    answer: read("/api/v1/simulations/what-if", EVERY_MS, question(shown)),
    listed: read(address({ ...shown, expiries: [] }, "/matrix"), LISTED_MS),
  }),

  gather(value) {
    const [found, lists] = [value("answer"), value("listed")];
    if (found?.data && found.asset === page.shown.asset) answer = found;
    return answer?.asset === page.shown.asset ? { answer, lists, problem: found?.problem } : null;
  },

  charts: { whatif: { everyMs: 100, draw: profile } },

  write({ answer: newest, lists }) {
    if (lists?.data) showListed(lists);
    showInputs(page.shown);
    if (newest === shown) return; // a button that is made anew loses a press
    shown = newest;
    for (const show of [showComparison, showMarket, showTrades, showLadder]) show(newest.data);
  },

  notice: () => {
    const problem = page.value("answer")?.problem;
    return problem ? `What-if: ${problem.detail || problem.title}` : null;
  },

  attach(opened) {
    page = opened;
    fill("whatif-sliders", ...SLIDERS.map(slider), make("div", { class: "chips" }, ...PRESETS.map(preset)));
    fill("whatif-form", form());
    document.getElementById("whatif-trade-expiry").addEventListener("change", () => listStrikes(NaN));
  },

  reset({ shown }) {
    showInputs(shown);
  },
};
