/* Numbers and words around the views: header, status, footer. Writes only what changed. */

import * as format from "./format.mjs";

const { isKnown } = format;
const nodes = new Map();

export function node(id) {
  let found = nodes.get(id);
  if (!found) {
    found = document.getElementById(id);
    nodes.set(id, found);
  }
  return found;
}

export function write(element, text, tone) {
  if (element.textContent !== text) element.textContent = text;
  if (tone !== undefined && element.dataset.tone !== tone) element.dataset.tone = tone;
}

export const set = (id, text, tone) => write(node(id), text, tone);

export const toneOf = (value) => (value > 0 ? "positive" : value < 0 ? "negative" : "");

const REGIMES = {
  long_gamma: ["\u25B2 Long gamma", "hedging dampens moves", "positive"],
  short_gamma: ["\u25BC Short gamma", "hedging amplifies moves", "negative"],
  unknown: ["Regime unknown", "no gamma in this selection", ""],
};
/* Position models in a few letters. */
export const MODELS = {
  naive: "naive", reversed: "reversed", customer_long: "cust. long", flow: "flow", posterior: "posterior",
};
const SIGNS = {
  naive: "calls +, puts \u2212",
  reversed: "calls \u2212, puts +",
  customer_long: "calls \u2212, puts \u2212",
};

/* What the bars of each sign are: dealers long gamma, dealers short. */
const SIDES = {
  naive: ["calls", "puts"],
  reversed: ["puts", "calls"],
  customer_long: ["long", "calls, puts darker"],
};

export const sidesOf = (position) => SIDES[position] ?? ["long gamma", "short gamma, puts darker"];

/* The model that knows most, where most of its draws see another regime than the one that is shown. */
function dissent({ position }, { regime, range }) {
  const short = range.posterior?.p_short_gamma;
  if (position === "posterior" || !isKnown(short) || regime === "unknown") return "";
  const against = regime === "short_gamma" ? 1 - short : short;
  if (against <= 0.5) return "";
  return `posterior: ${format.number(100 * against, 0)} % ${regime === "short_gamma" ? "long" : "short"}`;
}

export function showHeader(header, summary) {
  set("spot", format.price(header.spot_usd));
  set("spot-unit", `${header.asset} index, USD`);
  const [regime, words, tone] = REGIMES[summary.regime];
  set("regime", regime);
  set("regime-words", words);
  set("regime-dissent", dissent(header, summary));
  node("regime-badge").dataset.tone = tone;
}

export function showFooter(header) {
  const { quality, position } = header;
  set("model-words",
    "Black-76 on exchange marks, re-priced at every spot. Dealers\u2019 position: " +
    `${MODELS[position] ?? position}, ${SIGNS[position] ?? "inferred from trades"}: an assumption.`);
  const faults = [
    [quality.stale, "stale"], [quality.without_iv, "without IV"],
    [quality.rejected, "rejected"], [quality.gaps, "feed gaps"],
  ].filter(([count]) => count).map(([count, word]) => ` \u00B7 ${count} ${word}`);
  set("coverage", `${quality.used} of ${quality.listed} options used${faults.join("")}`);
  set("data-age", `as of ${format.clock(header.as_of)} \u00B7 seq ${header.seq}`);
}

export function showTitle(header, summary) {
  const arrow = { long_gamma: "\u25B2", short_gamma: "\u25BC" }[summary.regime] ?? "";
  document.title = `${header.asset} ${format.level(header.spot_usd)} ${arrow}` +
    `${format.money(summary.net.gex_usd_per_1pct)} \u00B7 gammaflip`;
}

/* The pill says how far to trust the numbers; `words` say what is wrong, or null. */
export function showStatus(status, words) {
  node("pill").dataset.state = status.state;
  set("pill-word", status.word);
  set("pill-age", format.age(status.ageMs));
  const isOld = status.state === "stale" || status.state === "connecting";
  node("board").classList.toggle("is-stale", isOld);
  set("notice", words ?? "");
  node("notice").hidden = !words;
  node("notice").dataset.kind = status.state === "stale" ? "fault" : "info";
}

export function showBanner(source) {
  for (const line of node("banner").children) line.hidden = line.dataset.source !== source;
}
