/* Maps as figures. Pure. */

import { clock, isKnown, level, money, percent, signed } from "../format.mjs";

const COLUMNS = { gex: "gex_usd_per_1pct", flow: "flow_coin", vega: "vega_usd_per_pt" };

const SHORTEST_STEP_MS = 60_000; // a curve is kept each minute

const transposed = (rows) => (rows[0] ?? []).map((_, i) => rows.map((row) => row[i]));
const meta = ({ seq, as_of, asset }) => ({ seq, as_of, asset });

/* Size at which colour saturates: the 99th percentile. */
function capOf(grid) {
  const sizes = grid.flat().filter((value) => isKnown(value) && value).map(Math.abs).sort((a, b) => a - b);
  return sizes.length ? sizes[Math.ceil(0.99 * sizes.length) - 1] : NaN;
}

const caption = (name, cap, said) => ({ [`surface-${name}-low`]: said(-cap), [`surface-${name}-high`]: said(cap) });

const across = {
  hours: (hours) => (hours < 24 ? `in ${hours} h` : `in ${Math.floor(hours / 24)} d ${hours % 24} h`),
  shift_pts: (shift) => `volatility ${signed(shift, 1)} pt`,
};

/* A heatmap of scenarios: `axis` is `hours` or `shift_pts`, the other one has a single value. */
export function ahead(name, axis, data, skeleton, { greek, widthPx }) {
  const answer = data[name];
  if (!answer) return null;
  const table = answer.data;
  const cube = table[COLUMNS[greek]];
  const sheets = axis === "hours" ? cube.map(([sheet]) => sheet) : cube[0];
  const grid = transposed(sheets); // spots upwards, scenarios across
  const said = greek === "flow" ? (value) => `${signed(value, 0)} coins` : money;
  const cap = capOf(grid);
  const hover = grid.map((line, i) => line.map((value, j) =>
    `<b>${level(table.spot_usd[i])}</b>  ${percent(table.move_pct[i] / 100, 1)}, ${across[axis](table[axis][j])}` +
    `<br>${isKnown(value) ? said(value) : "unknown"}`));
  const [cells, zero, here] = skeleton.data;
  const { spot } = skeleton.layout.meta.marks;
  const [first, last] = [table[axis][0], table[axis].at(-1)];
  const half = (last - first) / (table[axis].length - 1 || 1) / 2; // a cell reaches so far
  const next = axis === "hours" && data.next ? (data.next - answer.as_of) / 3_600_000 : null;
  return {
    meta: meta(answer),
    data: [
      { ...cells, x: table[axis], y: table.spot_usd, z: grid, customdata: hover, zmin: -(cap || 1), zmax: cap || 1 },
      { ...zero, x: table.zero.map((point) => point[axis]), y: table.zero.map((point) => point.spot_usd) },
      { ...here, x: [0], y: [answer.spot_usd] },
    ],
    layout: {
      ...skeleton.layout,
      xaxis: {
        ...skeleton.layout.xaxis, range: [first - half, last + half], autorange: false,
        ...(axis === "hours" ? { dtick: 24 } : { nticks: Math.max(4, Math.round(widthPx / 80)) }),
      },
      shapes: [
        { ...spot.line, xref: "paper", x0: 0, x1: 1, yref: "y", y0: answer.spot_usd, y1: answer.spot_usd, line: { ...spot.line.line, width: 1 } },
        ...(next > 0 ? [{ ...spot.line, x0: next, x1: next, line: { ...spot.line.line, width: 1, dash: "dot" } }] : []),
      ],
      annotations: next > 0 ? [{ ...spot.label, x: next, y: 0, yanchor: "bottom", xanchor: "left", text: "next expiry", font: { ...spot.label.font, size: 10 } }] : [],
    },
    caption: caption(name, cap, said),
  };
}

/* Columns that end where their time ends, the last one now: what was not kept stays open. */
function columnsOf({ timestamp, gex_usd_per_1pct: curves, strikes }, stepMs, now) {
  const [edges, columns] = [[], []];
  timestamp.forEach((at, i) => {
    const end = edges.at(-1);
    if (end < at) {
      edges.push(at);
      columns.push(strikes.map(() => null));
    }
    if (!edges.length) edges.push(at);
    columns.push(curves[i]);
    edges.push(Math.min(at + 1.5 * stepMs, timestamp[i + 1] ?? Math.max(at + 1, now)));
  });
  return { edges, columns };
}

/* Net GEX by strike through the past. */
export function past(data, skeleton, { widthPx }) {
  const answer = data.past;
  if (!answer) return null;
  const table = answer.data;
  const stepMs = Math.max(answer.step_ms, SHORTEST_STEP_MS);
  const { edges, columns } = columnsOf(table, stepMs, answer.as_of);
  const grid = transposed(columns);
  const cap = capOf(grid);
  const hover = grid.map((line, i) => line.map((value, j) => isKnown(value)
    ? `<b>${level(table.strikes[i])}</b>  ${clock(edges[j])}<br>${money(value)}` : ""));
  const [cells, index, flip] = skeleton.data;
  const [start, end] = [edges[0], edges.at(-1)];
  return {
    meta: meta(answer),
    data: [
      { ...cells, x: edges, y: table.strikes, z: grid, customdata: hover, zmin: -(cap || 1), zmax: cap || 1 },
      { ...index, x: table.timestamp, y: table.spot_usd },
      { ...flip, x: table.timestamp, y: table.flip_usd },
    ],
    layout: {
      ...skeleton.layout,
      xaxis: {
        ...skeleton.layout.xaxis, nticks: Math.max(3, Math.round(widthPx / 110)), autorange: false,
        range: [Math.min(start, end - 10 * SHORTEST_STEP_MS), end],
      },
    },
    caption: caption("past", cap, money),
  };
}
