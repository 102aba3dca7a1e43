/* The modelled ladder of liquidations as a figure. Pure. */

import { isKnown, level, number, percent, unsignedMoney } from "../format.mjs";
import { labels, lines } from "../levels.mjs";

const REACH = 0.2; // of spot, both ways

export function ladder({ body }, skeleton, { widthPx }) {
  const { spot_usd: spot, ladder: rungs } = body.data.liquidation;
  const { low_usd: low, high_usd: high, forced_usd: forced, branching } = rungs;
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
    meta: { seq: body.seq, as_of: body.as_of, asset: body.asset },
    data: [side(sold, "sold", (isAbove) => !isAbove), side(bought, "bought", (isAbove) => isAbove)],
    layout: {
      ...skeleton.layout,
      xaxis: { ...skeleton.layout.xaxis, range, autorange: false, nticks: Math.round(widthPx / 84) },
      shapes: lines(here, marks),
      annotations: labels(here, marks, range, widthPx),
    },
  };
}
