/* Numbers of the board that are text: key figures, range over models, ladder, legends. */

import * as format from "../format.mjs";
import { MODELS, node, set, toneOf, write } from "../text.mjs";

const { brief, isKnown, level, money, unsignedMoney } = format;

const NO_FLIP = {
  net_gex_positive_on_whole_ladder: "long gamma at every spot",
  net_gex_negative_on_whole_ladder: "short gamma at every spot",
  no_gamma_in_the_book: "no gamma in the book",
  no_index_price: "no index price",
};
const KEYS = {
  naive: ["calls", "puts"],
  reversed: ["puts", "calls"],
  customer_long: ["long", "calls, puts darker"],
};

function flipWords(header, levels) {
  if (!isKnown(levels.flip_usd)) return NO_FLIP[levels.flip_reason] ?? "none found";
  const distance = header.spot_usd / levels.flip_usd - 1;
  const nearest = levels.flips.find((flip) => flip.spot_usd === levels.flip_usd);
  const count = levels.flips.length;
  const marks = [nearest?.weak && "weak", count > 1 && `${count} flips`].filter(Boolean);
  const side = marks.length ? marks.join(", ") : distance < 0 ? "below" : "above";
  return `spot ${format.percent(distance, 2)}${marks.length ? " \u00B7 " : " "}${side}`;
}

function showHedge(name, asset, usd, coin) {
  set(`kpi-${name}`, money(usd), toneOf(usd));
  const side = coin > 0 ? "buy" : coin < 0 ? "sell" : "do nothing";
  const words = isKnown(coin) && coin ? `dealers ${side} ${format.coins(Math.abs(coin))} ${asset}` : "";
  set(`kpi-${name}-words`, words);
}

export function showKeyFigures({ header, summary, levels, expiries }) {
  const { net, gross, hedge_flow: flow } = summary;
  const gex = net.gex_usd_per_1pct;
  const share = format.number((Math.abs(gex) / gross.gex_usd_per_1pct) * 100, 0);
  set("kpi-gex", money(gex), toneOf(gex));
  set("kpi-gex-words", gross.gex_usd_per_1pct
    ? `${share}% of ${unsignedMoney(gross.gex_usd_per_1pct)} gross` : "no gamma");
  set("kpi-flip", level(levels.flip_usd), "flip");
  set("kpi-flip-words", flipWords(header, levels));
  for (const [name, wall] of [["call", levels.call_wall_usd], ["put", levels.put_wall_usd]]) {
    set(`kpi-${name}-wall`, level(wall));
    set(`kpi-${name}-wall-words`,
      isKnown(wall) ? `${format.percent(wall / header.spot_usd - 1, 2)} from spot` : "none in range");
  }
  showHedge("up", header.asset, flow.up_1pct_usd, flow.up_1pct_coin);
  showHedge("down", header.asset, flow.down_1pct_usd, flow.down_1pct_coin);
  const vega = net.vega_usd_per_pt;
  set("kpi-vega", money(vega), toneOf(vega));
  set("kpi-vega-words", vega > 0 ? "dealers long vol" : vega < 0 ? "dealers short vol" : "");
  const iv = (value) => format.percent(value, 1).replace("+", "");
  set("kpi-iv", iv(summary.atm_iv));
  set("kpi-iv-words", expiries.expiry.length ? `next ${iv(expiries.atm_iv[0])}` : "");
}

/* Every model on one axis with zero in the middle: how far the answer hangs on the assumption. */
export function showRange({ header, summary }) {
  const models = Object.entries(summary.range);
  const axis = node("range-axis");
  const words = node("range-words");
  if (axis.children.length !== models.length + 1) {
    axis.replaceChildren(...[...models, null].map(() => document.createElement("i")));
    axis.lastChild.className = "zero";
    axis.lastChild.style.left = "50%";
  }
  const reach = Math.max(...models.map(([, model]) => Math.abs(model.gex_usd_per_1pct))) || 1;
  models.forEach(([name, { gex_usd_per_1pct: gex }], i) => {
    const dot = axis.children[i];
    dot.style.left = `${50 + (50 * gex) / reach}%`;
    dot.dataset.tone = toneOf(gex);
    dot.className = name === header.position ? "chosen" : "";
    dot.title = `${MODELS[name] ?? name} ${money(gex)}`;
  });
  write(words, models
    .map(([name, model]) => `${MODELS[name] ?? name} ${brief(model.gex_usd_per_1pct)}`)
    .join(" | "));
}

function newRow() {
  const row = document.createElement("tr");
  for (let i = 0; i < 5; i += 1) row.append(document.createElement("td"));
  row.children[2].className = "trade";
  row.children[3].className = "bar";
  row.children[3].append(document.createElement("i"));
  return row;
}

/* High prices on top, spot in the middle, what dealers must do at each. */
export function showLadder({ header, hedge_flow: flow }) {
  const body = node("ladder-rows");
  const order = flow.move_pct.map((_, i) => i).sort((a, b) => flow.move_pct[b] - flow.move_pct[a]);
  if (body.children.length !== order.length) body.replaceChildren(...order.map(newRow));
  const widest = Math.max(...flow.flow_usd.map((usd) => Math.abs(usd ?? 0))) || 1;
  order.forEach((i, place) => {
    const row = body.children[place];
    const [move, spot, trade, bar, coins] = row.children;
    const usd = flow.flow_usd[i];
    const isHere = flow.move_pct[i] === 0;
    row.className = isHere ? "here" : "";
    write(move, isHere ? "spot" : format.signed(flow.move_pct[i], 1) + "%");
    write(spot, level(flow.spot_usd[i]));
    const text = isHere || !isKnown(usd) ? format.UNKNOWN
      : `${usd > 0 ? "buy" : usd < 0 ? "sell" : "hold"} ${unsignedMoney(usd)}`;
    write(trade, text, isHere ? "" : toneOf(usd));
    bar.firstChild.className = toneOf(usd);
    bar.firstChild.style.width = `${(47 * Math.abs(usd ?? 0)) / widest}%`;
    write(coins, isHere ? header.asset : format.coins(flow.flow_coin[i]));
  });
}

export function showLegend({ header }) {
  const [calls, puts] = KEYS[header.position] ?? ["long gamma", "short gamma, puts darker"];
  set("key-calls", calls);
  set("key-puts", puts);
}

const UNITS = {
  gex: "$ per 1 %", vega: "$ per pt", vanna: "coins per pt", charm: "coins per day", oi: "open interest, coins",
};

export function showUnits({ greek, by }) {
  set("unit-matrix", UNITS[greek]);
  set("unit-expiries", `${UNITS[by]} \u00B7 IV`);
}
