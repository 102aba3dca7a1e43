/* The simulated market: its form, its question, the fan of prices and what the paths came to. */

import { fill, make } from "../dom.mjs";
import { isKnown, level, number, percent, unsignedMoney } from "../format.mjs";
import { read } from "../sources.mjs";
import { set } from "../text.mjs";
import { matching } from "../view.mjs";

const STEPS = 288; // of a run, whatever its length
const LEAST_STEP_S = 10;
const WITH_FORCED = ["gamma", "vanna", "liquidation"];
const M = 1e6;
const FIELDS = [
  { part: "hours", word: "Hours", least: 1, most: 168, step: 1, fallback: "24" },
  { part: "paths", word: "Paths", least: 2, most: 2000, step: 1, fallback: "500" },
  { part: "seed", word: "Seed", least: 0, most: 4_294_967_295, step: 1, fallback: "1" },
  { part: "shock", word: "First move, %", least: -50, most: 100, step: "any", fallback: "0" },
  { part: "depth", word: "Depth, M$", least: 0.001, most: 1_000_000, step: "any", fallback: "", empty: "the book\u2019s" },
  { part: "stays", word: "Impact that stays", least: 0, most: 1, step: "any", fallback: "0.3" },
];

let form = null;
let kept = null; // newest answer, shown until the next one is there

export const params = {
  ...Object.fromEntries(FIELDS.map(({ part, fallback }) => [part, matching(/^-?\d{0,10}(\.\d{1,4})?$/, fallback)])),
  forced: ["off", "on"], run: ["", "1"],
};

/* The question as the API takes it. */
function question({ asset, position, expiries, book, params: given }) {
  const hours = Number(given.hours);
  return {
    asset, book, expiry: expiries, ...(position && { position }),
    hours, step_s: Math.max(LEAST_STEP_S, (hours * 3600) / STEPS), paths: Number(given.paths),
    seed: Number(given.seed), shock_pct: Number(given.shock), permanence: Number(given.stays),
    ...(given.depth && { depth_usd: Number(given.depth) * M }),
    ...(given.forced === "on" && { loops: WITH_FORCED }),
  };
}

/* Simulated once for each question, and only when it was asked to run. */
export const simulated = (shown) =>
  (shown.params.run ? { simulated: read("/api/v1/simulations/feedback", null, question(shown)) } : {});

/* The newest answer of this asset, or null. */
export function gather(value, shown) {
  const found = value("simulated");
  if (found?.data) kept = found;
  if (kept && (kept.asset !== shown.asset || !shown.params.run)) kept = null;
  return kept;
}

export function showInputs({ params: given }) {
  if (!form) return;
  for (const { part } of FIELDS) {
    const input = form.elements[part];
    if (input !== document.activeElement) input.value = given[part];
  }
  form.elements.forced.checked = given.forced === "on";
}

export function attach(page) {
  const run = (event) => {
    event.preventDefault();
    const asked = Object.fromEntries(FIELDS.map(({ part }) => [part, form.elements[part].value]));
    const forced = form.elements.forced.checked ? "on" : "off";
    const wanted = { ...asked, forced, run: "1" };
    const isSame = Object.entries(wanted).every(([part, text]) => page.shown.params[part] === text);
    if (isSame) page.refresh("simulated");
    else page.show({ params: { ...page.shown.params, ...wanted } });
  };
  const field = ({ part, word, least, most, step, empty }) => make("label", {}, make("small", {}, word),
    make("input", { name: part, type: "number", min: least, max: most, step, placeholder: empty, required: !empty }));
  form = make("form", { class: "fan-form", on: { submit: run } },
    ...FIELDS.map(field),
    make("label", { class: "check" }, make("input", { name: "forced", type: "checkbox" }), "with liquidations, modelled"),
    make("button", { type: "submit", class: "button" }, "Run"));
  fill("feedback-form", form);
}

const share = ({ share: of, error }) =>
  (isKnown(of) ? `${number(of * 100, 1)} % \u00B1 ${number(error * 100, 1)}` : "\u2013");
const volatility = ({ median }) => percent(median, 1).replace("+", "");
const last = (curve) => curve.at(-1);
const card = (word, value, beside) => make("div", { class: "kpi" },
  make("dt", {}, word), make("dd", {}, make("strong", {}, value), make("span", {}, beside)));

function reach({ quantile }, curves) {
  const at = (wanted) => last(curves[quantile.indexOf(wanted)]);
  return `${level(at(0.05))} to ${level(at(0.95))}`;
}

function cards({ price, realised_volatility: spread, large_move: large, flow }) {
  const traded = flow.find(({ cause }) => cause === "traded");
  return [
    card("Realised volatility, median", volatility(spread.with_loops), `${volatility(spread.without_loops)} without`),
    card("Price at the end, 5 % to 95 %", reach(price, price.with_loops_usd), `${reach(price, price.without_loops_usd)} without`),
    card(`Paths with a move of ${number(large.beyond_pct, 1)}\u00A0%`, share(large.with_loops), `${share(large.without_loops)} without`),
    card("Dealers trade, net per path", unsignedMoney(traded?.mean_abs_usd), `squeezes: ${share(large.squeeze)} of paths`),
  ];
}

/* Numbers below the fan, or what is missing. */
export function write(answer, isWaiting) {
  const run = answer?.data.run;
  const { inputs, reason } = answer?.data ?? {};
  fill("feedback-figures", ...(run ? cards(run) : []));
  document.getElementById("box-feedback-fan").classList.toggle("is-unknown", !run);
  const hours = inputs && (inputs.steps * inputs.step_s) / 3600;
  set("feedback-fan-words", isWaiting ? "Simulating \u2026"
    : run ? `Simulated: ${number(inputs.paths, 0)} paths over ${number(hours, hours % 1 ? 1 : 0)} h, seed ${inputs.seed}, each ` +
      `with hedging and without on the same random numbers. Depth ${unsignedMoney(inputs.depth_usd)}. No forecast.`
    : reason ? `Nothing to simulate: ${reason.replaceAll("_", " ")}.`
    : "Press Run: prices as they might go while dealers hedge, beside the same prices without them.");
}
