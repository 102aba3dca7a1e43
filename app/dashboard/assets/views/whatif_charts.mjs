/* The gamma profile now and then. Pure. */

import { isKnown, level, money, percent } from "../format.mjs";
import { labels, lines } from "../levels.mjs";

const REACH = 0.18; // beyond the lower and the upper spot

const extremes = (spots, values, low, high) => {
  const seen = values.filter((value, i) => isKnown(value) && spots[i] >= low && spots[i] <= high);
  return [Math.min(0, ...seen), Math.max(0, ...seen)];
};

/* Lines and labels stand for the market then; now is dashed. */
export function profile({ answer }, skeleton, { widthPx }) {
  const { before, after, scenario } = answer.data;
  const [now, then] = [before.profile, after.profile];
  const spot = before.hedge_flow.spot_usd[before.hedge_flow.move_pct.indexOf(0)];
  const low = Math.min(spot, scenario.spot_usd) * (1 - REACH);
  const high = Math.max(spot, scenario.spot_usd) * (1 + REACH);
  const { marks } = skeleton.layout.meta;
  const there = { header: { spot_usd: scenario.spot_usd }, levels: after.levels };
  const hover = (word, { spot_usd: spots, gex_usd_per_1pct: gex }) => spots.map((x, i) =>
    `${word}: ${money(gex[i])} at ${level(x)} (${percent(x / spot - 1, 1)})`);
  const sides = [[now.spot_usd, now.gex_usd_per_1pct], [then.spot_usd, then.gex_usd_per_1pct]]
    .map(([spots, gex]) => extremes(spots, gex, low, high));
  const range = [Math.min(...sides.map(([least]) => least)), Math.max(...sides.map(([, most]) => most))];
  const margin = (range[1] - range[0] || 1) * 0.07;
  const clipped = (clip) => then.gex_usd_per_1pct.map((gex) => clip(0, gex));
  const [long, short, past, curve] = skeleton.data;
  return {
    meta: { seq: answer.seq, as_of: answer.as_of, asset: answer.asset },
    data: [
      { ...long, x: then.spot_usd, y: clipped(Math.max) },
      { ...short, x: then.spot_usd, y: clipped(Math.min) },
      { ...past, x: now.spot_usd, y: now.gex_usd_per_1pct, customdata: hover("now", now) },
      { ...curve, x: then.spot_usd, y: then.gex_usd_per_1pct, customdata: hover("then", then) },
    ],
    layout: {
      ...skeleton.layout,
      xaxis: { ...skeleton.layout.xaxis, range: [low, high], autorange: false, nticks: Math.round(widthPx / 84) },
      yaxis: { ...skeleton.layout.yaxis, range: [range[0] - margin, range[1] + margin], autorange: false },
      shapes: [{ ...marks.spot.line, x0: spot, x1: spot, line: past.line }, ...lines(there, marks)],
      annotations: labels(there, marks, [low, high], widthPx),
    },
  };
}
