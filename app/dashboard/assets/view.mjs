/* What is shown: view, asset, expiries, position model, book, strikes. The URL is its memory. */

const PRESETS = ["0dte", "next", "weekly", "monthly", "quarterly"];
const LABEL = /^[1-9]\d?[A-Z]{3}\d{2}$/;
const STRIKES = /^(\d+(?:\.\d+)?)-(\d+(?:\.\d+)?)$/;
const MOST_EXPIRIES = 32;

const isExpiry = (name) => PRESETS.includes(name) || LABEL.test(name);

function strikes(text) {
  const [low, high] = STRIKES.exec(text ?? "")?.slice(1).map(Number) ?? [];
  return low < high ? [low, high] : null;
}

/* Anything the page does not know is dropped: a link may be old or mistyped.

   `known`: { views, assets, positions, books, params }; `params[view]` lists the values of each
   part of the URL that belongs to that view alone, default first. */
function parse(search, known) {
  const asked = new URLSearchParams(search);
  const all = (...names) => names.flatMap((name) => asked.getAll(name));
  const one = (names, values, fallback) =>
    names.map((name) => asked.get(name)).find((value) => values.includes(value)) ?? fallback;
  const asset = (asked.get("asset") ?? "").toUpperCase();
  const expiries = all("expiry", "exp").map((name) =>
    PRESETS.includes(name.toLowerCase()) ? name.toLowerCase() : name.toUpperCase());
  const name = one(["view"], known.views, known.views[0]);
  const own = Object.entries(known.params[name] ?? {});
  return {
    name,
    asset: known.assets.includes(asset) ? asset : known.assets[0],
    expiries: [...new Set(expiries.filter(isExpiry))].slice(0, MOST_EXPIRIES),
    position: one(["position", "pos"], known.positions, null),
    book: one(["book"], known.books, known.books[0]),
    strikes: strikes(asked.get("k")),
    params: Object.fromEntries(own.map(([key, values]) => [key, one([key], values, values[0])])),
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

const joined = (...parts) => parts.filter(Boolean).join("&");
const withQuery = (path, rest) => (rest ? `${path}?${rest}` : path);

const topic = (view, name, extra = "") =>
  withQuery(`${view.asset}.${name}`, joined(query(view), extra));

const address = (view, path, extra = "") =>
  withQuery(`/api/v1/${view.asset}${path}`, joined(query(view), extra));

/* An address that takes no other part of the selection, as all that reads history. */
const withPosition = (view, path, extra = "") =>
  withQuery(`/api/v1/${view.asset}${path}`, joined(view.position && `position=${view.position}`, extra));

/* The address of the page that shows a view; what is at its default is left out. */
function link(view, known) {
  const own = Object.entries(known.params[view.name] ?? {})
    .filter(([key, values]) => view.params[key] !== values[0])
    .map(([key]) => `${key}=${encodeURIComponent(view.params[key])}`);
  const low = view.strikes?.map((strike) => Number(strike.toPrecision(5))).join("-");
  return "?" + joined(
    view.name !== known.views[0] && `view=${view.name}`,
    `asset=${view.asset}`, query(view), ...own, low && `k=${low}`,
  );
}

function chooseExpiry(view, name) {
  return { ...view, expiries: name === "all" ? [] : [name] };
}

function toggleExpiry(view, label) {
  const labels = view.expiries.filter((name) => LABEL.test(name));
  const without = labels.filter((name) => name !== label);
  return { ...view, expiries: without.length < labels.length ? without : [...labels, label] };
}

/* A part of the URL that any text of a pattern may be, in place of a list of values. */
const matching = (pattern, fallback) =>
  Object.assign([fallback], { includes: (text) => typeof text === "string" && pattern.test(text) });

const after = (list, value) => list[(list.indexOf(value) + 1) % list.length];

export { PRESETS, address, after, chooseExpiry, link, matching, parse, toggleExpiry, topic, withPosition };
