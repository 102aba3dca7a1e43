/* Models and their intervals as figures. Pure. */

import { isKnown, level, money } from "../format.mjs";

const NAMES = {
  naive: "Naive", reversed: "Reversed", customer_long: "Customers long", flow: "Flow", posterior: "Posterior",
};

function figure(body, skeleton, column, said, more = {}) {
  const models = body.data;
  const names = models.map(({ position }) => NAMES[position] ?? position);
  const [low, high] = [`${column}_lo`, `${column}_hi`].map((name) => models.map((model) => model[name]));
  const values = models.map((model) => model[column]);
  const hover = models.map((model, i) => `<b>${names[i]}</b>  ${said(values[i])}` +
    (isKnown(low[i]) ? `<br>5 % to 95 %: ${said(low[i])} to ${said(high[i])}` : "<br>no interval: a rule, not an estimate"));
  const [bar, mark] = skeleton.data;
  return {
    meta: { seq: body.seq, as_of: body.as_of, asset: body.asset },
    data: [
      { ...bar, y: names, base: low, x: high.map((end, i) => (isKnown(end) ? end - low[i] : null)) },
      { ...mark, y: names, x: values, customdata: hover },
    ],
    layout: { ...skeleton.layout, ...more },
  };
}

export const nets = (body, skeleton) => figure(body, skeleton, "gex_usd_per_1pct", money);

/* The axis holds estimates, intervals and the index, not zero. */
export function flips(body, skeleton) {
  const { spot } = skeleton.layout.meta.marks;
  const known = body.data
    .flatMap(({ flip_usd: flip, flip_usd_lo: low, flip_usd_hi: high }) => [flip, low, high]).filter(isKnown);
  const [low, high] = [Math.min(body.spot_usd, ...known), Math.max(body.spot_usd, ...known)];
  const margin = (high - low || 0.02 * body.spot_usd) * 0.08;
  return figure(body, skeleton, "flip_usd", level, {
    xaxis: { ...skeleton.layout.xaxis, range: [low - margin, high + margin], autorange: false },
    shapes: [{ ...spot.line, x0: body.spot_usd, x1: body.spot_usd }],
  });
}
