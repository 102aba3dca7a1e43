/* Spot, flips, walls and the strike that the next settlement is drawn to, as lines, labels and zones over a strike axis. Pure. */

import { isKnown, level } from "./format.mjs";

const CHARACTER_PX = 6.3;
const ROW_PX = 15;
const ROWS = 3;
const FARTHEST_PX = 110; // a label farther from its line would mislead

const risingFlips = (data) => [...data.levels.flips].sort((a, b) => a.spot_usd - b.spot_usd);

const HOUR_MS = 3_600_000;

/* How long it is until the next settlement, coarsely: the header counts the seconds. */
function left(ms) {
  if (ms >= 48 * HOUR_MS) return `${Math.round(ms / (24 * HOUR_MS))} d`;
  return ms >= 2 * HOUR_MS ? `${Math.round(ms / HOUR_MS)} h` : `${Math.max(0, Math.round(ms / 60_000))} min`;
}

/* Every level that has a place on the axis, most important first. */
function all(data) {
  const { call_wall_usd: call, put_wall_usd: put, pin } = data.levels;
  const nearest = (a, b) =>
    Math.abs(Math.log(a.spot_usd / data.header.spot_usd)) -
    Math.abs(Math.log(b.spot_usd / data.header.spot_usd));
  return [
    { kind: "spot", x: data.header.spot_usd, word: "Spot" },
    ...[...data.levels.flips].sort(nearest).map((flip) => ({
      kind: flip.weak ? "weak_flip" : "flip",
      x: flip.spot_usd,
      word: flip.weak ? "weak flip" : "Flip",
    })),
    { kind: "call_wall", x: call, word: call === put ? "Walls" : "Call wall" },
    ...(call === put ? [] : [{ kind: "put_wall", x: put, word: "Put wall" }]),
    { kind: "pin", x: pin?.strike_usd, word: `Pin in ${left(pin?.expiry_ms - data.header.as_of)}` },
  ].filter((mark) => isKnown(mark.x));
}

const lines = (data, marks) =>
  all(data).map(({ kind, x }) => ({ ...marks[kind].line, x0: x, x1: x }));

/* Where dealers are long and short gamma, faintly, between the flips. */
function zones(data, marks, [low, high]) {
  const flips = risingFlips(data);
  const profile = data.profile.gex_usd_per_1pct;
  const isLongBelow = flips.length ? flips[0].direction === "short_above" : profile[0] > 0;
  if (!flips.length && !profile.some((gex) => gex)) return [];
  const edges = [low, ...flips.map((flip) => flip.spot_usd), high];
  return edges.slice(1).map((edge, i) => ({
    ...marks[(i % 2 === 0) === isLongBelow ? "long_zone" : "short_zone"],
    x0: Math.min(high, Math.max(low, edges[i])),
    x1: Math.min(high, Math.max(low, edge)),
  }));
}

/* The free place nearest to where a label wants to be: [row, centre], or null when all is full. */
function place(taken, wanted, half, widthPx) {
  const isFree = (spans, at) => at >= half && at <= widthPx - half &&
    spans.every(([from, to]) => at + half <= from || at - half >= to);
  const options = taken.flatMap((spans, row) =>
    [wanted, ...spans.flatMap(([from, to]) => [from - half, to + half])]
      .filter((at) => isFree(spans, at))
      .map((at) => [row, at]));
  options.sort((a, b) => Math.abs(a[1] - wanted) - Math.abs(b[1] - wanted) || a[0] - b[0]);
  return options[0] ?? null;
}

/* Labels above the plot in three rows, none over another; a level out of sight points to itself. */
function labels(data, marks, [low, high], widthPx) {
  const taken = Array.from({ length: ROWS }, () => []);
  const placed = [];
  for (const { kind, x, word } of all(data)) {
    const [left, right] = [x < low ? "\u2039 " : "", x > high ? " \u203A" : ""];
    const text = `${left}${word} ${level(x)}${right}`;
    const half = (text.length * CHARACTER_PX) / 2 + 4;
    const wanted = Math.min(widthPx - half, Math.max(half, ((x - low) / (high - low)) * widthPx));
    const [row, centre] = place(taken, wanted, half, widthPx) ?? [];
    if (row === undefined || Math.abs(centre - wanted) > FARTHEST_PX) continue;
    taken[row].push([centre - half, centre + half]);
    placed.push({
      ...marks[kind].label,
      text,
      x: low + (centre / widthPx) * (high - low),
      yshift: 1 + row * ROW_PX,
    });
  }
  return placed;
}

export { labels, lines, zones };
