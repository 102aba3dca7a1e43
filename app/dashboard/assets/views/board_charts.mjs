/* From the board's data and a skeleton to a figure. Pure: no page, no clock, no socket.

   Arrays are handed to Plotly as they came, so the page shows exactly what the API says. */

import { clock, isKnown, level, money, number, percent, signed } from "../format.mjs";
import { labels, lines, zones } from "../levels.mjs";

const filled = (skeleton, i, columns, marker) => ({
  ...skeleton.data[i],
  ...columns,
  ...(marker && { marker: { ...skeleton.data[i].marker, ...marker } }),
});

/* `scene`: strike window, steady value ranges, plot width, touch or not, choices of the user. */
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

/* What the bars show of calls and puts, in the unit and with the sides that the user chose. */
function sidesOf(table, { unit, sides }) {
  const names = ["call_gex_usd_per_1pct", "put_gex_usd_per_1pct", "gex_usd_per_1pct"];
  const [calls, puts, net] = names.map((name) => table[name].map(unit.of));
  const size = (value) => (isKnown(value) ? Math.abs(value) : value);
  switch (sides) {
    case "net": return { calls: [], puts: [], net: [], alone: net, all: [calls, puts, net] };
    case "absolute":
      return { calls: calls.map(size), puts: puts.map(size), net: [], alone: [], all: [calls, puts, net] };
    default: return { calls, puts, net, alone: [], all: [calls, puts, net] };
  }
}

/* Height of every stack in sight: what the value axis must hold. */
function heights({ calls, puts, net, alone }, isSeen) {
  const stacked = calls.flatMap((call, i) => {
    if (!isSeen(i)) return [];
    return call * puts[i] > 0 ? [call + puts[i]] : [call, puts[i]];
  });
  return [...stacked, ...net.filter((_, i) => isSeen(i)), ...alone.filter((_, i) => isSeen(i))];
}

/* The strikes in sight and as far beyond as a drag shows before it is released: bars cost time. */
function nearby(table, { window, isTouch }) {
  const [low, high] = window.range;
  const beyond = isTouch ? 0 : (high - low) / 2;
  const first = table.strike.findIndex((k) => k >= low - beyond);
  const after = table.strike.findIndex((k) => k > high + beyond);
  const [from, to] = [first < 0 ? table.strike.length : first, after < 0 ? table.strike.length : after];
  return Object.fromEntries(Object.entries(table).map(([name, column]) => [name, column.slice(from, to)]));
}

function gex(data, skeleton, scene) {
  const table = nearby(data.strikes, scene);
  const { strike } = table;
  const shown = sidesOf(table, scene);
  const { calls, puts } = shown;
  const [low, high] = scene.window.range;
  const isSeen = (i) => strike[i] >= low && strike[i] <= high;
  const width = barWidths(strike, scene.window.range);
  const { marks } = skeleton.layout.meta;
  const [allCalls, allPuts, allNet] = shown.all;
  const hover = strike.map((k, i) =>
    `<b>${level(k)}</b>   net ${money(allNet[i])}<br>calls ${money(allCalls[i])}   puts ${money(allPuts[i])}` +
    `<br>open interest ${number(table.open_interest_call_coin[i], 0)} C   ` +
    `${number(table.open_interest_put_coin[i], 0)} P`);
  const isShaded = (i) => puts[i] * calls[i] > 0;
  const at = (values) => (values.length ? strike : []);
  return {
    meta: meta(data.header),
    data: [
      filled(skeleton, 0, { x: at(calls), y: calls, width }, { color: signColours(skeleton, calls) }),
      filled(skeleton, 1, { x: at(puts), y: puts, width }, { color: signColours(skeleton, puts, isShaded) }),
      filled(skeleton, 2, { x: strike, y: shown.net.length ? shown.net : allNet, customdata: hover }, {
        size: Math.min(14, Math.max(4, (Math.min(...width) / (high - low)) * scene.widthPx)),
        opacity: shown.net.length ? 1 : 0,
      }),
      filled(skeleton, 3, { x: at(shown.alone), y: shown.alone, width }, { color: signColours(skeleton, shown.alone) }),
    ],
    layout: layout(skeleton, {
      dragmode: dragmode(skeleton, scene),
      xaxis: strikeAxis(skeleton, scene),
      yaxis: valueAxis(skeleton, scene, "gex", heights(shown, isSeen)),
      shapes: [...zones(data, marks, scene.window.range), ...lines(data, marks)],
      annotations: labels(data, marks, scene.window.range, scene.widthPx),
    }),
  };
}

function profile(data, skeleton, scene) {
  const { spot_usd: spots } = data.profile;
  const net = data.profile.gex_usd_per_1pct.map(scene.unit.of);
  const [low, high] = scene.window.range;
  const here = scene.unit.of(data.summary.net.gex_usd_per_1pct);
  const spot = data.header.spot_usd;
  const { marks } = skeleton.layout.meta;
  const hover = spots.map((x, i) =>
    `<b>${level(x)}</b>   ${percent(x / spot - 1, 1)}<br>net GEX ${money(net[i])}`);
  const part = (pick) => net.map((value) => (isKnown(value) ? pick(0, value) : null));
  return {
    meta: meta(data.header),
    data: [
      filled(skeleton, 0, { x: spots, y: net, customdata: hover }),
      filled(skeleton, 1, { x: spots, y: part(Math.max) }),
      filled(skeleton, 2, { x: spots, y: part(Math.min) }),
      filled(skeleton, 3, { x: [spot], y: [here] }),
    ],
    layout: layout(skeleton, {
      dragmode: dragmode(skeleton, scene),
      xaxis: strikeAxis(skeleton, scene),
      yaxis: valueAxis(skeleton, scene, "profile", [
        here, ...net.filter((_, i) => spots[i] >= low && spots[i] <= high),
      ]),
      shapes: [...zones(data, marks, scene.window.range), ...lines(data, marks)],
    }),
  };
}

/* Size at which colour saturates: the 99th percentile of the cells in sight. */
function cellCap(values, isSeen) {
  const sizes = values.flatMap((row) => row.filter((cell, i) => isKnown(cell) && cell && isSeen[i]))
    .map(Math.abs).sort((a, b) => a - b);
  return sizes.length ? sizes[Math.ceil(0.99 * sizes.length) - 1] : NaN;
}

const DECADES = 3; // that the logarithmic scale tells apart
const REACHES = {
  root: (share) => share ** 2,
  linear: (share) => share,
  log: (share) => (share === 0 ? 0 : 10 ** (DECADES * (share - 1))),
};

/* The skeleton's colours, evenly spaced from - to +, placed so that they grow as asked. */
function colourScale(colours, scale) {
  const middle = (colours.length - 1) / 2;
  return colours.map(([, colour], i) => {
    const side = (i - middle) / middle;
    return [(1 + Math.sign(side) * REACHES[scale](Math.abs(side))) / 2, colour];
  });
}

function matrix(data, skeleton, scene) {
  if (!data.matrix) return null;
  const { greek, strikes, expiries: names } = data.matrix;
  const isGamma = greek === "gex_usd_per_1pct";
  const values = isGamma && scene.unit.words !== "$ per 1 %"
    ? data.matrix.values.map((row) => row.map(scene.unit.of)) : data.matrix.values;
  const [low, high] = scene.window.range;
  const cap = cellCap(values, strikes.map((k) => k >= low && k <= high));
  const said = (value) => (greek.includes("usd") ? money(value) : signed(value, Math.abs(value) < 10 ? 2 : 0));
  const hover = values.map((row) => row.map((cell) => (isKnown(cell) ? said(cell) : "")));
  const { marks } = skeleton.layout.meta;
  return {
    meta: meta(data.map),
    data: [
      filled(skeleton, 0, {
        x: strikes, y: names, z: values, customdata: hover, zmin: -(cap || 1), zmax: cap || 1,
        colorscale: colourScale(skeleton.data[0].colorscale, scene.scale),
      }),
      filled(skeleton, 1, { x: data.expiries.flip_usd, y: names }),
      filled(skeleton, 2, { x: data.expiries.max_pain_usd, y: names }),
    ],
    layout: layout(skeleton, {
      dragmode: dragmode(skeleton, scene),
      xaxis: strikeAxis(skeleton, scene),
      shapes: lines(data, marks),
    }),
    caption: { "scale-low": said(-cap), "scale-high": said(cap) },
  };
}

const BY = {
  gex: "gex_usd_per_1pct", vega: "vega_usd_per_pt", vanna: "vanna_coin_per_pt", charm: "charm_coin_per_day",
};

function expiries(data, skeleton, scene) {
  const table = data.expiries;
  if (!table) return null;
  const of = scene.by === "gex" ? scene.unit.of : (value) => value;
  const values = table[BY[scene.by]].map(of);
  const iv = (i) => percent(table.atm_iv[i], 1).replace("+", "");
  const hover = table.expiry.map((expiry, i) =>
    `<b>${expiry}</b>   ${number(table.days[i], 1)} days   ATM IV ${iv(i)}` +
    `<br>GEX ${money(table.gex_usd_per_1pct[i])} per 1 %   flip ${level(table.flip_usd[i])}` +
    `<br>vega ${money(table.vega_usd_per_pt[i])} per pt` +
    `<br>vanna ${number(table.vanna_coin_per_pt[i], 1)} coins per pt` +
    `<br>charm ${number(table.charm_coin_per_day[i], 1)} coins per day`);
  return {
    meta: meta(data.map),
    data: [filled(
      skeleton, 0, { x: values, y: table.expiry, customdata: hover }, { color: signColours(skeleton, values) },
    )],
    layout: layout(skeleton, {
      bargap: 1 - 0.65 * Math.min(1, values.length / 9), // few expiries: no fat bars
      xaxis: valueAxis(skeleton, scene, `by ${scene.by}`, values, "xaxis"),
      yaxis: {
        ...skeleton.layout.yaxis,
        tickvals: table.expiry,
        ticktext: table.expiry.map((expiry, i) => `${expiry}  <b>${iv(i)}</b>`),
      },
    }),
  };
}

const SHORTEST_MS = 120_000;
const FLATTEST = 0.001; // least height of the axis, as a share of the price
const FEWEST_CANDLES = 8;

/* Candles of the past with the price of now at their end; each opens where the last one ended. */
function candles(rows, spot) {
  const close = rows.map((row) => row.spot_usd_last);
  if (close.length) close[close.length - 1] = spot;
  return {
    x: rows.map((row) => row.timestamp),
    open: rows.map((row, i) => (i ? rows[i - 1].spot_usd_last : row.spot_usd)),
    high: rows.map((row, i) => Math.max(row.spot_usd_max, close[i])),
    low: rows.map((row, i) => Math.min(row.spot_usd_min, close[i])),
    close,
  };
}

/* Levels of now at the right edge, on the price axis. */
const tags = (skeleton, levels) => levels.filter(([, value]) => isKnown(value)).map(([kind, value]) => ({
  ...skeleton.layout.meta.marks[kind].label,
  xref: "paper", x: 1, xanchor: "left", xshift: 1, yref: "y", y: value, yanchor: "middle", yshift: 0,
  borderpad: 3, text: `<b>${level(value)}</b>`,
}));

function history(data, skeleton, scene) {
  const rows = data.past ?? [];
  const spot = data.header.spot_usd;
  const isLong = rows.length >= FEWEST_CANDLES;
  const path = scene.history;
  // Copies: Plotly takes an array it has seen before for unchanged.
  const at = isLong ? rows.map((row) => row.timestamp) : [...path.at];
  const flip = isLong ? rows.map((row) => row.flip_usd) : [...path.flip];
  const shown = isLong ? candles(rows, spot) : { x: [], open: [], high: [], low: [], close: [] };
  const walls = ["call_wall_usd", "put_wall_usd"].map((name) =>
    (isLong ? rows.map((row) => row[name]) : at.map(() => data.levels[name])));
  const floor = (spot * FLATTEST) / 2;
  const known = [...(isLong ? [...shown.high, ...shown.low] : path.spot), ...flip].filter(isKnown);
  const low = Math.min(...known, spot - floor);
  const high = Math.max(...known, spot + floor);
  const [start, end] = [at[0], at.at(-1)];
  return {
    meta: meta(data.header),
    data: [
      filled(skeleton, 0, shown),
      filled(skeleton, 1, isLong ? { x: [], y: [] } : { x: at, y: [...path.spot] }),
      filled(skeleton, 2, { x: at, y: flip }),
      ...walls.map((wall, i) => filled(skeleton, 3 + i, { x: at, y: wall })),
    ],
    layout: layout(skeleton, {
      xaxis: {
        ...skeleton.layout.xaxis,
        range: [start, Math.max(end, start + SHORTEST_MS)],
        autorange: false,
      },
      yaxis: {
        ...skeleton.layout.yaxis,
        autorange: false,
        range: [...scene.steady.of(`history ${isLong}`, low, high)],
      },
      annotations: tags(skeleton, [["flip", data.levels.flip_usd], ["spot", spot]]),
    }),
    caption: { "unit-history": isLong ? "" : "this visit" },
  };
}

function charm(data, skeleton, scene) {
  const rows = data.path;
  if (!rows?.length) return null;
  const at = rows.map((row) => row.at_ms);
  const flow = rows.map((row) => row.flow_usd);
  const part = (pick) => flow.map((value) => (isKnown(value) ? pick(0, value) : null));
  const hover = rows.map((row) =>
    `<b>${clock(row.at_ms)}</b><br>${row.flow_usd > 0 ? "buy" : "sell"} ${money(Math.abs(row.flow_usd)).replace("+", "")}` +
    `<br>charm ${number(row.charm_coin, 1)}   expiry ${number(row.expiry_coin, 1)} coins`);
  return {
    data: [
      filled(skeleton, 0, { x: at, y: flow, customdata: hover }),
      filled(skeleton, 1, { x: at, y: part(Math.max) }),
      filled(skeleton, 2, { x: at, y: part(Math.min) }),
    ],
    layout: layout(skeleton, {
      xaxis: { ...skeleton.layout.xaxis, range: [at[0], at.at(-1)], autorange: false },
      yaxis: valueAxis(skeleton, scene, "charm", flow),
    }),
  };
}

export { charm, expiries, gex, history, matrix, profile };
