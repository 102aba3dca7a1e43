/* Numbers of the board that are text: key figures, range over models, ladder, legends. */

import * as format from "../format.mjs";
import { MODELS, node, set, sidesOf, toneOf, write } from "../text.mjs";

const { brief, isKnown, level, money, unsignedMoney } = format;

const NO_FLIP = {
  net_gex_positive_on_whole_ladder: "long gamma at every spot",
  net_gex_negative_on_whole_ladder: "short gamma at every spot",
  no_gamma_in_the_book: "no gamma in the book",
  no_index_price: "no index price",
};
const WHEN_S = { now: 0, "1h": 3_600, "4h": 14_400, "24h": 86_400 };

/* Where spot stands to the flip, and how far the flip hangs on what is assumed. */
function flipWords(header, levels, stability) {
  if (!isKnown(levels.flip_usd)) return NO_FLIP[levels.flip_reason] ?? "none found";
  const distance = header.spot_usd / levels.flip_usd - 1;
  const nearest = levels.flips.find((flip) => flip.spot_usd === levels.flip_usd);
  const count = levels.flips.length;
  const noise = stability?.oi_noise_usd;
  const marks = [
    nearest?.weak && "weak",
    count > 1 && `${count} flips`,
    isKnown(noise) && `\u00B1${format.number(noise, header.spot_usd > 1_000 ? 0 : 2)}`,
  ].filter(Boolean);
  const side = distance < 0 ? "below" : "above";
  return [`spot ${format.percent(distance, 2)}${marks.length ? "" : ` ${side}`}`, ...marks].join(" \u00B7 ");
}

function showHedge(name, asset, usd, coin) {
  set(`kpi-${name}`, money(usd), toneOf(usd));
  const side = coin > 0 ? "buy" : coin < 0 ? "sell" : "do nothing";
  const size = Math.abs(coin);
  const coins = size < 1_000 ? format.coins(size) : unsignedMoney(size); // 1.2k: room is scarce
  const words = isKnown(coin) && coin ? `dealers ${side} ${coins} ${asset}` : "";
  set(`kpi-${name}-words`, words);
}

/* The interval of the model where it has one, else how much of the gross is left after netting. */
function gexWords({ header, summary, models }, unit) {
  const model = models?.find((row) => row.position === header.position);
  const [lo, hi] = [model?.gex_usd_per_1pct_lo, model?.gex_usd_per_1pct_hi];
  if (isKnown(lo) && isKnown(hi)) return `90 %: ${brief(unit.of(lo))} to ${brief(unit.of(hi))}`;
  const [net, gross] = [summary.net, summary.gross].map((sums) => sums.gex_usd_per_1pct);
  if (!isKnown(gross)) return "unknown";
  if (!gross) return "no gamma";
  return `${format.number((Math.abs(net) / gross) * 100, 0)}% of ${unsignedMoney(unit.of(gross))} gross`;
}

export function showKeyFigures(data, unit) {
  const { header, summary, levels, expiries, stability, feedback } = data;
  const { net, hedge_flow: flow } = summary;
  const gex = unit.of(net.gex_usd_per_1pct);
  set("kpi-gex", money(gex), toneOf(gex));
  set("kpi-gex-unit", unit.words);
  set("kpi-gex-words", gexWords(data, unit));
  set("kpi-flip", level(levels.flip_usd), "flip");
  set("kpi-flip-words", flipWords(header, levels, stability));
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
  const dvol = summary.volatility_index;
  const next = expiries?.expiry.length ? `next ${iv(expiries.atm_iv[0])}` : "";
  set("kpi-iv-words", isKnown(dvol) ? `DVOL ${iv(dvol)}` : next);
  const gain = feedback?.loop_gain;
  node("card-gain").hidden = !isKnown(gain);
  set("kpi-gain", format.number(gain, 2), gain > 0 ? "negative" : "");
  const moves = feedback?.amplification;
  set("kpi-gain-unit", isKnown(moves) ? `\u00D7${format.number(moves, 2)}` : "runs away");
  const ends = [feedback?.loop_gain_lo, feedback?.loop_gain_hi].map((end) => format.number(end, 2));
  set("kpi-gain-words", [...new Set(ends)].join(" to "));
}

/* Every model on one axis with zero in the middle: how far the answer hangs on the assumption. */
export function showRange({ header, summary }, unit) {
  const models = Object.entries(summary.range).filter(([, model]) => isKnown(model.gex_usd_per_1pct));
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
    dot.title = `${MODELS[name] ?? name} ${money(unit.of(gex))}`;
  });
  const said = models.map(([name, model]) => `${MODELS[name] ?? name} ${brief(unit.of(model.gex_usd_per_1pct))}`);
  write(words, said.join(" | ") || format.UNKNOWN);
  const sorted = models.map((_, i) => i).sort((a, b) => models[a][1].gex_usd_per_1pct - models[b][1].gex_usd_per_1pct);
  set("range-ends", [...new Set([sorted[0], sorted.at(-1)])].map((i) => said[i]).join(" to "));
}

function newRow() {
  const row = document.createElement("tr");
  for (let i = 0; i < 8; i += 1) row.append(document.createElement("td"));
  row.children[2].className = "trade";
  row.children[3].className = "bar";
  row.children[3].append(document.createElement("i"));
  return row;
}

/* The rows of the chosen horizon: a sudden move comes with every tick, the others are asked for. */
function scenarios({ hedge_flow: now, flow }, when) {
  const sized = new Map((flow ?? []).filter((row) => row.horizon_s === 0).map((row) => [row.move_pct, row]));
  const sudden = now.move_pct.map((move, i) => ({
    ...Object.fromEntries(Object.entries(now).map(([name, column]) => [name, column[i]])),
    share_of_depth: now.share_of_depth[i] ?? sized.get(move)?.share_of_depth ?? null,
  }));
  if (when === "now") return sudden;
  const standing = Object.values(WHEN_S);
  const settlement_s = flow?.map((row) => row.horizon_s).find((horizon) => !standing.includes(horizon));
  const horizon_s = WHEN_S[when] ?? settlement_s;
  const asked = new Map((flow ?? []).filter((row) => row.horizon_s === horizon_s).map((row) => [row.move_pct, row]));
  return sudden.map(({ move_pct, spot_usd }) => asked.get(move_pct) ?? { move_pct, spot_usd });
}

/* High prices on top, spot in the middle, what dealers must do at each and why. */
export function showLadder(data, when) {
  const spot = data.header.spot_usd;
  const body = node("ladder-rows");
  const rows = scenarios(data, when).sort((a, b) => b.move_pct - a.move_pct);
  if (body.children.length !== rows.length) body.replaceChildren(...rows.map(newRow));
  body.dataset.seq = data.header.seq;
  const widest = Math.max(...rows.map((row) => Math.abs(row.flow_usd ?? 0))) || 1;
  rows.forEach((row, place) => showScenario(body.children[place], row, spot, widest, when));
}

const usdOf = (coin, spot) => (isKnown(coin) ? coin * spot : null);

function showScenario(line, row, spot, widest, when) {
  const [move, at, trade, bar, gamma, charm, vanna, depth] = line.children;
  const usd = row.flow_usd;
  const isHere = row.move_pct === 0;
  line.className = isHere ? "here" : "";
  write(move, isHere ? "spot" : format.signed(row.move_pct, 1) + "%");
  write(at, level(row.spot_usd));
  const text = !isKnown(usd) || (isHere && when === "now") ? format.UNKNOWN
    : `${usd > 0 ? "buy" : usd < 0 ? "sell" : "hold"} ${unsignedMoney(usd)}`;
  write(trade, text, isKnown(usd) ? toneOf(usd) : "");
  trade.title = isKnown(row.flow_coin) ? `${format.coins(row.flow_coin)} coins` : "";
  bar.firstChild.className = toneOf(usd);
  bar.firstChild.style.width = `${(47 * Math.abs(usd ?? 0)) / widest}%`;
  const time = isKnown(row.charm_coin) ? row.charm_coin + (row.expiry_coin ?? 0) : null;
  for (const [cell, coin] of [[gamma, row.gamma_coin], [charm, time], [vanna, row.vanna_coin]]) {
    write(cell, coin === 0 ? "0" : brief(usdOf(coin, spot)));
  }
  write(depth, shareText(row.share_of_depth));
}

/* Ten times what rests there is as far as a share says anything. */
function shareText(share) {
  if (!isKnown(share)) return format.UNKNOWN;
  return share > 10 ? ">10x" : `${format.number(share * 100, 0)}%`;
}

export function showLegend({ position }, sides) {
  const [long, short] = sides === "absolute" ? ["calls", "puts darker"] : sidesOf(position);
  set("key-long", long);
  set("key-short", short);
}

const UNITS = { vega: "$ per pt", vanna: "coins per pt", charm: "coins per day", oi: "coins" };

export function showUnits({ greek, by }, unit) {
  set("unit-gex", unit.words);
  set("unit-matrix", UNITS[greek] ?? unit.words);
  set("unit-expiries", `${UNITS[by] ?? unit.words} \u00B7 IV`);
}

/* What is not known is hatched, never drawn as zero. */
export function showUnknown({ summary, path, matrix }) {
  const isUnknown = !isKnown(summary.net.gex_usd_per_1pct);
  for (const key of ["gex", "profile"]) node(`box-${key}`).classList.toggle("is-unknown", isUnknown);
  node("box-charm").classList.toggle("is-unknown", !path?.length);
  node("box-matrix").classList.toggle("is-unknown", !matrix);
}
