/* The modelled ladder of liquidations and the fan of simulated prices as figures. Pure. */

import { isKnown, level, number, percent, unsignedMoney } from "../format.mjs";
import { labels, lines } from "../levels.mjs";

const REACH = 0.2; // of spot, both ways

/* A figure of nothing, so that what was drawn before does not stay. */
function empty(skeleton, meta) {
  const { xaxis, yaxis } = skeleton.layout;
  const hidden = { xaxis: { ...xaxis, visible: false }, yaxis: { ...yaxis, visible: false } };
  return { meta, data: skeleton.data, layout: { ...skeleton.layout, ...hidden } };
}

const metaOf = ({ seq, as_of, asset }) => ({ seq, as_of, asset });

export function ladder({ body }, skeleton, { widthPx }) {
  const { spot_usd: spot, ladder: rungs } = body.data.liquidation;
  const { low_usd: low, high_usd: high, forced_usd: forced, branching } = rungs;
  if (!forced.length) return empty(skeleton, metaOf(body));
  const middle = low.map((from, i) => (from + high[i]) / 2);
  const side = (trace, word, isOurs) => {
    const at = [...forced.keys()].filter((i) => isOurs(high[i] + low[i] > 2 * spot));
    return {
      ...trace,
      x: at.map((i) => middle[i]),
      width: at.map((i) => high[i] - low[i]),
      y: at.map((i) => forced[i]),
      customdata: at.map((i) =>
        `${level(low[i])} to ${level(high[i])} (${percent(middle[i] / spot - 1, 1)})<br>` +
        `${unsignedMoney(forced[i])} ${word}, modelled` +
        (isKnown(branching[i]) ? `<br>each USD sets off ${number(branching[i], 2)}` : "")),
    };
  };
  const range = [spot * (1 - REACH), spot * (1 + REACH)];
  const { marks } = skeleton.layout.meta;
  const here = { header: { spot_usd: spot }, levels: { flips: [] } };
  const [sold, bought] = skeleton.data;
  return {
    meta: metaOf(body),
    data: [side(sold, "sold", (isAbove) => !isAbove), side(bought, "bought", (isAbove) => isAbove)],
    layout: {
      ...skeleton.layout,
      xaxis: { ...skeleton.layout.xaxis, range, autorange: false, nticks: Math.round(widthPx / 84) },
      shapes: lines(here, marks),
      annotations: labels(here, marks, range, widthPx),
    },
  };
}

const BANDS = [0.05, 0.25, 0.5, 0.75, 0.95];

/* Quantiles of the price with hedging as a fan, those without as dashed lines. */
export function fan({ body, simulation }, skeleton) {
  const run = simulation?.data.run;
  if (!run) return empty(skeleton, metaOf(body));
  const { at_s: seconds, quantile, with_loops_usd: hedged, without_loops_usd: bare } = run.price;
  const hours = seconds.map((at) => at / 3600);
  const curve = (curves, wanted) => curves[quantile.indexOf(wanted)];
  const line = (trace, curves, wanted, word) => ({
    ...trace,
    x: hours,
    y: curve(curves, wanted),
    customdata: curve(curves, wanted).map((usd) => `${word}, ${number(wanted * 100, 0)} %: ${level(usd)}`),
  });
  const outer = [BANDS[0], 0.5, BANDS.at(-1)];
  const [first] = hedged[0];
  const all = outer.flatMap((wanted) => [...curve(hedged, wanted), ...curve(bare, wanted)]).filter(isKnown);
  const margin = (Math.max(...all) - Math.min(...all) || first * 0.01) * 0.06;
  const shown = skeleton.data;
  return {
    meta: metaOf(simulation),
    data: [
      ...BANDS.map((wanted, i) => line(shown[i], hedged, wanted, "with hedging")),
      ...outer.map((wanted, i) => line(shown[BANDS.length + i], bare, wanted, "without")),
    ],
    layout: {
      ...skeleton.layout,
      yaxis: {
        ...skeleton.layout.yaxis,
        range: [Math.min(...all) - margin, Math.max(...all) + margin], autorange: false,
      },
    },
  };
}
