/* From a board message and a skeleton to a figure. Pure: no page, no clock, no socket.

   Arrays are handed to Plotly as they came, so the page shows exactly what the API says. */

import { isKnown, level, money, number, percent, signed } from "../format.mjs";
import { labels, lines, zones } from "../levels.mjs";

const filled = (skeleton, i, columns, marker) => ({
  ...skeleton.data[i],
  ...columns,
  ...(marker && { marker: { ...skeleton.data[i].marker, ...marker } }),
});

/* `scene`: strike window, steady value ranges, plot width, touch or not. */
const layout = (skeleton, changes) => ({ ...skeleton.layout, ...changes });

/* Which state a chart was drawn from. */
const meta = ({ seq, as_of, asset }) => ({ seq, as_of, asset });

const strikeAxis = (skeleton, scene) => ({
  ...skeleton.layout.xaxis,
  range: [...scene.window.range],
  autorange: false,
  nticks: Math.max(4, Math.round(scene.widthPx / 84)),
  uirevision: scene.window.version,
  fixedrange: scene.isTouch,
});

const valueAxis = (skeleton, scene, key, values, axis = "yaxis") => {
  const known = values.filter(isKnown);
  return {
    ...skeleton.layout[axis],
    range: [...scene.steady.of(key, Math.min(0, ...known), Math.max(0, ...known))],
    autorange: false,
  };
};

const dragmode = (skeleton, scene) => (scene.isTouch ? false : skeleton.layout.dragmode);

/* One colour where all bars have one sign: Plotly draws that twice as fast as a list of them. */
function signColours(skeleton, values, isShaded = () => false) {
  const { positive, negative, positive_shade, negative_shade } = skeleton.layout.meta.colours;
  const colours = values.map((value, i) => {
    if (isShaded(i)) return value < 0 ? negative_shade : positive_shade;
    return value < 0 ? negative : positive;
  });
  const known = new Set(colours.filter((_, i) => values[i]));
  return known.size > 1 ? colours : ([...known][0] ?? positive);
}

/* As wide as the gap to the next strike allows, so that sparse strikes are not hairlines. */
function barWidths(strikes, [low, high]) {
  const gaps = strikes.map((k, i) =>
    Math.min(k - (strikes[i - 1] ?? -Infinity), (strikes[i + 1] ?? Infinity) - k));
  const seen = gaps.filter((gap, i) => strikes[i] >= low && strikes[i] <= high);
  const finest = Math.min(...seen, high - low);
  return gaps.map((gap) => 0.78 * Math.min(gap, 2 * finest));
}

function gex(data, skeleton, scene) {
  const { strike, call_gex_usd_per_1pct: calls, put_gex_usd_per_1pct: puts } = data.strikes;
  const net = data.strikes.gex_usd_per_1pct;
  const [low, high] = scene.window.range;
  const isSeen = (_, i) => strike[i] >= low && strike[i] <= high;
  const width = barWidths(strike, scene.window.range);
  const sides = [calls, puts].map((values) => values.filter(isSeen));
  const stacked = sides[0].flatMap((call, i) => {
    const put = sides[1][i];
    return call * put > 0 ? [call + put] : [call, put];
  });
  const { marks } = skeleton.layout.meta;
  const hover = strike.map((k, i) =>
    `<b>${level(k)}</b>   net ${money(net[i])}<br>calls ${money(calls[i])}   puts ${money(puts[i])}` +
    `<br>open interest ${number(data.strikes.open_interest_call_coin[i], 0)} C   ` +
    `${number(data.strikes.open_interest_put_coin[i], 0)} P`);
  return {
    meta: meta(data.header),
    data: [
      filled(skeleton, 0, { x: strike, y: calls, width }, { color: signColours(skeleton, calls) }),
      filled(skeleton, 1, { x: strike, y: puts, width }, {
        color: signColours(skeleton, puts, (i) => puts[i] * calls[i] > 0),
      }),
      filled(skeleton, 2, { x: strike, y: net, customdata: hover }, {
        size: Math.min(14, Math.max(4, (Math.min(...width) / (high - low)) * scene.widthPx)),
      }),
    ],
    layout: layout(skeleton, {
      dragmode: dragmode(skeleton, scene),
      xaxis: strikeAxis(skeleton, scene),
      yaxis: valueAxis(skeleton, scene, "gex", [...stacked, ...net.filter(isSeen)]),
      shapes: [
        ...zones(data, marks, scene.window.range),
        ...lines(data, marks),
      ],
      annotations: labels(data, marks, scene.window.range, scene.widthPx),
    }),
  };
}

function profile(data, skeleton, scene) {
  const { spot_usd: spots, gex_usd_per_1pct: net } = data.profile;
  const [low, high] = scene.window.range;
  const here = data.summary.net.gex_usd_per_1pct;
  const spot = data.header.spot_usd;
  const { marks } = skeleton.layout.meta;
  const hover = spots.map((x, i) =>
    `<b>${level(x)}</b>   ${percent(x / spot - 1, 1)}<br>net GEX ${money(net[i])}`);
  return {
    meta: meta(data.header),
    data: [
      filled(skeleton, 0, { x: spots, y: net, customdata: hover }),
      filled(skeleton, 1, { x: spots, y: net.map((gex) => Math.max(0, gex)) }),
      filled(skeleton, 2, { x: spots, y: net.map((gex) => Math.min(0, gex)) }),
      filled(skeleton, 3, { x: [spot], y: [here] }),
    ],
    layout: layout(skeleton, {
      dragmode: dragmode(skeleton, scene),
      xaxis: strikeAxis(skeleton, scene),
      yaxis: valueAxis(skeleton, scene, "profile", [
        here, ...net.filter((_, i) => spots[i] >= low && spots[i] <= high),
      ]),
      shapes: [
        ...zones(data, marks, scene.window.range),
        ...lines(data, marks),
      ],
    }),
  };
}

/* Size at which colour saturates: the 99th percentile of the cells in sight. */
function cellCap(values, isSeen) {
  const sizes = values.flatMap((row) => row.filter((cell, i) => isKnown(cell) && cell && isSeen[i]))
    .map(Math.abs).sort((a, b) => a - b);
  return sizes.length ? sizes[Math.ceil(0.99 * sizes.length) - 1] : NaN;
}

function matrix(data, skeleton, scene) {
  if (!data.map) return null;
  const { greek, strikes, expiries, values } = data.map.data;
  const [low, high] = scene.window.range;
  const cap = cellCap(values, strikes.map((k) => k >= low && k <= high));
  const isMoney = greek.includes("usd");
  const said = (value) => (isMoney ? money(value) : signed(value, Math.abs(value) < 10 ? 2 : 0));
  const hover = values.map((row) => row.map((cell) => (isKnown(cell) ? said(cell) : "")));
  const pain = new Map(data.levels.max_pain.map((row) => [row.expiry, row.max_pain_usd]));
  const { marks } = skeleton.layout.meta;
  return {
    meta: meta(data.map),
    data: [
      filled(skeleton, 0, {
        x: strikes, y: expiries, z: values, customdata: hover, zmin: -(cap || 1), zmax: cap || 1,
      }),
      filled(skeleton, 1, { x: data.expiries.flip_usd, y: data.expiries.expiry }),
      filled(skeleton, 2, { x: expiries.map((expiry) => pain.get(expiry) ?? null), y: expiries }),
    ],
    layout: layout(skeleton, {
      dragmode: dragmode(skeleton, scene),
      xaxis: strikeAxis(skeleton, scene),
      shapes: lines(data, marks),
    }),
    caption: { "scale-low": said(-cap), "scale-high": said(cap) },
  };
}

const BY = { vega: "vega_usd_per_pt", gex: "gex_usd_per_1pct" };

function expiries(data, skeleton, scene) {
  const table = data.expiries;
  const column = BY[scene.by];
  const values = table[column];
  const hover = table.expiry.map((expiry, i) =>
    `<b>${expiry}</b>   ${number(table.days[i], 1)} days   ATM IV ${percent(table.atm_iv[i], 1).replace("+", "")}` +
    `<br>vega ${money(table.vega_usd_per_pt[i])} per pt` +
    `<br>GEX ${money(table.gex_usd_per_1pct[i])} per 1 %<br>flip ${level(table.flip_usd[i])}`);
  return {
    meta: meta(data.header),
    data: [filled(
      skeleton, 0, { x: values, y: table.expiry, customdata: hover }, { color: signColours(skeleton, values) },
    )],
    layout: layout(skeleton, {
      bargap: 1 - 0.65 * Math.min(1, values.length / 9), // few expiries: no fat bars
      xaxis: valueAxis(skeleton, scene, column, values, "xaxis"),
      yaxis: {
        ...skeleton.layout.yaxis,
        tickvals: table.expiry,
        ticktext: table.expiry.map((expiry, i) =>
          `${expiry}  <b>${percent(table.atm_iv[i], 1).replace("+", "")}</b>`),
      },
    }),
  };
}

const SHORTEST_MS = 120_000;
const FLATTEST = 0.001; // least height of the axis, as a share of the price

function history(data, skeleton, scene) {
  // Copies: Plotly takes an array it has seen before for unchanged.
  const [at, spot, flip] = ["at", "spot", "flip"].map((name) => [...scene.history[name]]);
  const known = [...spot, ...flip].filter(isKnown);
  const floor = (data.header.spot_usd * FLATTEST) / 2;
  const low = Math.min(...known, data.header.spot_usd - floor);
  const high = Math.max(...known, data.header.spot_usd + floor);
  const [start, end] = [at[0], at.at(-1)];
  return {
    meta: meta(data.header),
    data: [filled(skeleton, 0, { x: at, y: spot }), filled(skeleton, 1, { x: at, y: flip })],
    layout: layout(skeleton, {
      xaxis: {
        ...skeleton.layout.xaxis,
        range: [start, Math.max(end, start + SHORTEST_MS)],
        autorange: false,
      },
      yaxis: {
        ...skeleton.layout.yaxis,
        autorange: false,
        range: [...scene.steady.of("history", low, high)],
      },
    }),
  };
}

export { expiries, gex, history, matrix, profile };
