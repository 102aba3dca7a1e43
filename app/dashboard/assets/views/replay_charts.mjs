/* One minute of the past as figures. Pure. */

import { isKnown, level, money } from "../format.mjs";
import { labels, lines } from "../levels.mjs";

const REACH = 0.15;
const MINUTE_MS = 60_000;

const meta = ({ seq, asset }, at) => ({ seq, as_of: at, asset });

/* The widest bars that do not touch at the finest gap. */
function barWidth(strikes) {
  const gaps = strikes.slice(1).map((strike, i) => strike - strikes[i]);
  return 0.78 * Math.min(...gaps, strikes[0] ?? 1);
}

const colours = (values, { positive, negative }) => values.map((value) => (value < 0 ? negative : positive));

/* The axis spans the stacked bars of the whole range of time, so that they can be compared while it plays. */
function widest(calls, puts) {
  let [low, high] = [0, 0];
  calls.forEach((row, at) => row.forEach((call, k) => {
    const put = puts[at][k];
    high = Math.max(high, Math.max(0, call) + Math.max(0, put));
    low = Math.min(low, Math.min(0, call) + Math.min(0, put));
  }));
  const margin = (high - low || 1) * 0.06;
  return [low - margin, high + margin];
}

export function strikesThen({ past, frame }, skeleton, { widthPx }) {
  const { data } = past;
  const [calls, puts, net] = ["call_gex_usd_per_1pct", "put_gex_usd_per_1pct", "gex_usd_per_1pct"]
    .map((name) => data[name][frame]);
  const spot = data.spot_usd[frame] ?? data.strikes[Math.floor(data.strikes.length / 2)];
  const window = [spot * (1 - REACH), spot * (1 + REACH)];
  const flip = data.flip_usd[frame];
  const levels = {
    flips: isKnown(flip) ? [{ spot_usd: flip, weak: false }] : [],
    call_wall_usd: data.call_wall_usd[frame], put_wall_usd: data.put_wall_usd[frame],
  };
  const there = { header: { spot_usd: data.spot_usd[frame] }, levels };
  const { marks, colours: signs } = skeleton.layout.meta;
  const width = barWidth(data.strikes);
  const hover = data.strikes.map((k, i) =>
    `<b>${level(k)}</b>   net ${money(net[i])}<br>calls ${money(calls[i])}   puts ${money(puts[i])}`);
  const filled = (i, y, more) => ({ ...skeleton.data[i], x: data.strikes, y, ...more });
  const marked = (i, values) => ({ width, marker: { ...skeleton.data[i].marker, color: colours(values, signs) } });
  return {
    meta: meta(past, data.timestamp[frame]),
    data: [
      filled(0, calls, marked(0, calls)),
      filled(1, puts, marked(1, puts)),
      filled(2, net, { customdata: hover }),
    ],
    layout: {
      ...skeleton.layout,
      dragmode: false,
      xaxis: { ...skeleton.layout.xaxis, range: window, autorange: false, fixedrange: true, nticks: Math.round(widthPx / 84) },
      yaxis: { ...skeleton.layout.yaxis, range: widest(data.call_gex_usd_per_1pct, data.put_gex_usd_per_1pct), autorange: false },
      shapes: lines(there, marks),
      annotations: labels(there, marks, window, widthPx),
    },
  };
}

/* From the first to the last minute, and never less than a minute to each side of one. */
function spanOf(times) {
  const [first, last] = [times[0], times.at(-1)];
  const margin = Math.max(0, MINUTE_MS - (last - first) / 2);
  return [first - margin, last + margin];
}

export function wholeRange({ past, frame }, skeleton, { widthPx }) {
  const { data } = past;
  const at = data.timestamp[frame];
  const [index, flip] = skeleton.data;
  const { spot } = skeleton.layout.meta.marks;
  return {
    meta: meta(past, at),
    data: [
      { ...index, x: data.timestamp, y: data.spot_usd },
      { ...flip, x: data.timestamp, y: data.flip_usd },
    ],
    layout: {
      ...skeleton.layout,
      xaxis: {
        ...skeleton.layout.xaxis, range: spanOf(data.timestamp), autorange: false, nticks: Math.max(3, Math.round(widthPx / 110)),
      },
      shapes: [{ ...spot.line, x0: at, x1: at, line: { ...spot.line.line, dash: "dot" } }],
    },
  };
}
