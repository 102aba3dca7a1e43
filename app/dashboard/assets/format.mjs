/* Numbers and times as text: true minus, fixed decimals, UTC. Unknown is a dash, never zero. */

const MINUS = "\u2212";
const UNKNOWN = "\u2013";
const UNITS = [[1e9, "B", 2], [1e6, "M", 1], [1e3, "k", 1], [1, "", 0]];
const byDecimals = new Map();

function plain(value, decimals) {
  let formatter = byDecimals.get(decimals);
  if (!formatter) {
    formatter = new Intl.NumberFormat("en-US", {
      minimumFractionDigits: decimals,
      maximumFractionDigits: decimals,
    });
    byDecimals.set(decimals, formatter);
  }
  return formatter.format(value);
}

const isKnown = (value) => typeof value === "number" && Number.isFinite(value);

function number(value, decimals) {
  if (!isKnown(value)) return UNKNOWN;
  const text = plain(Math.abs(value), decimals);
  return value < 0 && /[1-9]/.test(text) ? MINUS + text : text;
}

function signed(value, decimals) {
  if (!isKnown(value)) return UNKNOWN;
  const text = number(value, decimals);
  return value > 0 && /[1-9]/.test(text) ? "+" + text : text;
}

/* 59,312,345 as 59.3M; the unit follows the rounded size, so 999,960 is 1.0M. */
function money(value, write = signed) {
  if (!isKnown(value)) return UNKNOWN;
  const size = Math.abs(value);
  const [scale, unit, decimals] =
    UNITS.find(([scale]) => size >= scale * 0.99995) ?? UNITS.at(-1);
  return write(value / scale, decimals) + unit;
}

/* For tight places: no decimals from 10 on. */
const brief = (value) =>
  money(value, (scaled, decimals) => signed(scaled, Math.abs(scaled) >= 10 ? 0 : decimals));

const unsignedMoney = (value) => money(isKnown(value) ? Math.abs(value) : value, number);

function price(value) {
  return number(value, value >= 10_000 ? 1 : value >= 100 ? 2 : 4);
}

function level(value) {
  return number(value, value >= 1_000 ? 0 : value >= 100 ? 1 : 3);
}

const percent = (fraction, decimals) =>
  isKnown(fraction) ? signed(fraction * 100, decimals) + "%" : UNKNOWN;

function coins(value) {
  const size = Math.abs(value);
  return number(value, size >= 100 ? 0 : size >= 1 ? 1 : 3);
}

function age(ms) {
  if (!isKnown(ms)) return UNKNOWN;
  if (ms < 9_950) return plain(ms / 1000, 1) + " s";
  if (ms < 120_000) return plain(ms / 1000, 0) + " s";
  if (ms < 7_200_000) return plain(Math.floor(ms / 60_000), 0) + " min";
  return plain(Math.floor(ms / 3_600_000), 0) + " h";
}

const two = (value) => String(value).padStart(2, "0");

function countdown(ms) {
  if (!isKnown(ms)) return UNKNOWN;
  const seconds = Math.max(0, Math.floor(ms / 1000));
  const days = Math.floor(seconds / 86_400);
  const rest = [seconds / 3600 % 24, seconds / 60 % 60, seconds % 60].map(Math.floor).map(two);
  return (days ? days + "d " : "") + rest.join(":");
}

const MONTHS = "Jan Feb Mar Apr May Jun Jul Aug Sep Oct Nov Dec".split(" ");

function clock(ms) {
  if (!isKnown(ms)) return UNKNOWN;
  const at = new Date(ms);
  const time = [at.getUTCHours(), at.getUTCMinutes(), at.getUTCSeconds()].map(two).join(":");
  return `${at.getUTCDate()} ${MONTHS[at.getUTCMonth()]} ${time}`;
}

export {
  UNKNOWN, age, brief, clock, coins, countdown, isKnown, level, money, number, percent, price, signed,
  unsignedMoney,
};
