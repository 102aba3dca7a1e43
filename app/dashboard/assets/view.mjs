/* What the board shows: asset, expiries, position model, book. The URL is its only memory. */

const PRESETS = ["0dte", "next", "weekly", "monthly", "quarterly"];
const POSITIONS = ["naive", "reversed", "customer_long"];
const BOOKS = ["all", "inverse", "linear"];
const LABEL = /^[1-9]\d?[A-Z]{3}\d{2}$/;
const MOST_EXPIRIES = 32;

const isExpiry = (name) => PRESETS.includes(name) || LABEL.test(name);

/* Anything the board does not know is dropped: a link may be old or mistyped. */
function parse(search, assets) {
  const asked = new URLSearchParams(search);
  const asset = (asked.get("asset") ?? "").toUpperCase();
  const expiries = asked.getAll("expiry").map((name) =>
    PRESETS.includes(name.toLowerCase()) ? name.toLowerCase() : name.toUpperCase());
  const one = (key, known, fallback) =>
    known.includes(asked.get(key)) ? asked.get(key) : fallback;
  return {
    asset: assets.includes(asset) ? asset : assets[0],
    expiries: [...new Set(expiries.filter(isExpiry))].slice(0, MOST_EXPIRIES),
    position: one("position", POSITIONS, null),
    book: one("book", BOOKS, "all"),
  };
}

/* The query that REST and the stream understand; null position leaves the server's own. */
function query(view) {
  const parts = new URLSearchParams();
  if (view.position) parts.append("position", view.position);
  for (const name of view.expiries) parts.append("expiry", name);
  if (view.book !== "all") parts.append("book", view.book);
  return parts.toString();
}

const withQuery = (path, rest) => (rest ? `${path}?${rest}` : path);
const topic = (view) => withQuery(`${view.asset}.board`, query(view));

function link(view) {
  const rest = query(view);
  return `?asset=${view.asset}${rest ? "&" + rest : ""}`;
}

function address(view, path, extra = "") {
  return withQuery(`/api/v1/${view.asset}${path}`, [query(view), extra].filter(Boolean).join("&"));
}

function chooseExpiry(view, name) {
  return { ...view, expiries: name === "all" ? [] : [name] };
}

function toggleExpiry(view, label) {
  const labels = view.expiries.filter((name) => LABEL.test(name));
  const without = labels.filter((name) => name !== label);
  return { ...view, expiries: without.length < labels.length ? without : [...labels, label] };
}

const after = (list, value) => list[(list.indexOf(value) + 1) % list.length];

export {
  BOOKS, POSITIONS, PRESETS, address, after, chooseExpiry, link, parse, toggleExpiry, topic,
};
