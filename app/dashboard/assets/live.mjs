/* Joins the stream to the page: newest message wins, text at once, charts when they are due. */

import { watchAlerts } from "./alerts.mjs";
import { attachControls, showChoices } from "./controls.mjs";
import { Feed } from "./feed.mjs";
import * as format from "./format.mjs";
import { Paths } from "./history.mjs";
import { Painter } from "./painter.mjs";
import { SteadyRanges, StrikeWindow } from "./ranges.mjs";
import { attachStack } from "./stack.mjs";
import { judge } from "./status.mjs";
import * as text from "./text.mjs";
import * as views from "./view.mjs";

const CHARTS = ["gex", "profile", "matrix", "expiries", "history"];
const TABLES = {
  gex: "/strikes", profile: "/profile", matrix: "/matrix", expiries: "/expiries", ladder: "/hedge-flow",
};
const BY_UNITS = {
  vega_usd_per_pt: "$ per pt \u00B7 IV", gex_usd_per_1pct: "$ per 1 % \u00B7 IV",
};
const NOTHING = "No option is listed in this selection.";
const REFUSAL_MS = 8_000;
const CLOCK_MS = 250;
const ALERTS_MS = 10_000;

class Board {
  view;
  by = "vega_usd_per_pt";
  #data = null; // newest complete message of the chosen view
  #header = null; // newest header, complete or not
  #newest = ""; // topic and seq of the newest message
  #heardAt = 0;
  #startedAt = performance.now();
  #refusal = null; // what the server answered to a view it does not know
  #refusalTimer = 0;
  #window = new StrikeWindow();
  #steady = new SteadyRanges();
  #paths = new Paths();
  #isTouch = matchMedia("(pointer: coarse)").matches;
  #feed = new Feed((message) => this.#receive(message), (error) => this.#refuse(error));
  #painter = new Painter(() => this.#scene(), (key, caption) => this.#drawn(key, caption));

  constructor(graphs, assets) {
    this.assets = assets;
    this.view = views.parse(location.search, assets);
    for (const [key, graph] of graphs) this.#painter.adopt(key, graph);
    setInterval(() => this.#tick(), CLOCK_MS);
    this.show(this.view);
  }

  get strikeWindow() {
    return this.#window;
  }

  /* The position model in force: the server's own when the view names none. */
  get position() {
    return this.view.position ?? this.#header?.position;
  }

  /* Change what the board shows; the old numbers dim until the new ones are here. */
  show(view) {
    const isOther = view.asset !== this.view.asset;
    this.view = view;
    this.#refusal = null;
    history.replaceState(null, "", views.link(view));
    if (isOther) this.#data = null;
    this.#window.reset();
    this.#steady.reset();
    document.getElementById("main").setAttribute("aria-busy", "true");
    showChoices(view, this.#header?.position);
    for (const [key, path] of Object.entries(TABLES)) {
      document.getElementById(`data-${key}`).href = views.address(view, path);
    }
    this.#feed.follow(views.topic(view));
  }

  showBy(column) {
    this.by = column;
    text.set("unit-expiries", BY_UNITS[column]);
    showChoices(this.view, this.#header?.position, column);
    this.#painter.invalidate(["expiries"], true);
  }

  moveStrikes(change) {
    if (!this.#data) return;
    change(this.#window);
    if (!this.#window.range) this.#window.fit(this.#data);
    this.#steady.reset();
    this.#painter.invalidate(["gex", "profile", "matrix"], true);
  }

  #receive({ topic, data }) {
    const { header } = data;
    const name = `${topic} ${header.seq}`;
    if (name === this.#newest) return; // sent again after a reconnect: no sign of life
    this.#newest = name;
    this.#header = header;
    this.#heardAt = performance.now();
    if (data.summary) {
      this.#data = data;
      document.getElementById("board").classList.toggle("has-data", data.strikes.strike.length > 0);
      this.#window.fit(data);
      this.#paths.of(topic).add(data.header.as_of, data.header.spot_usd, data.levels.flip_usd);
      this.#write(data);
      this.#painter.invalidate();
    }
    this.#tick();
  }

  #write(data) {
    text.showHeader(data.header, data.summary);
    text.showKeyFigures(data);
    text.showRange(data);
    text.showLadder(data);
    text.showFooter(data);
    showChoices(this.view, data.header.position);
    document.getElementById("main").setAttribute("aria-busy", "false");
    const arrow = { long_gamma: "\u25B2", short_gamma: "\u25BC" }[data.summary.regime] ?? "";
    document.title = `${data.header.asset} ${format.level(data.header.spot_usd)} ${arrow}` +
      `${format.money(data.summary.net.gex_usd_per_1pct)} \u00B7 gammaflip`;
  }

  /* The server knows no such asset or expiry: say so, and show everything instead. */
  #refuse(error) {
    if (this.view.expiries.length) {
      this.show({ ...this.view, expiries: [] });
    }
    this.#refusal = `The server answered: ${error}`;
    clearTimeout(this.#refusalTimer);
    this.#refusalTimer = setTimeout(() => { this.#refusal = null; }, REFUSAL_MS);
    this.#tick();
  }

  #scene() {
    if (!this.#data || !this.#window.range) return null;
    return {
      data: this.#data,
      scene: {
        header: this.#data.header,
        window: this.#window,
        steady: this.#steady,
        by: this.by,
        history: this.#paths.of(views.topic(this.view)),
        isTouch: this.#isTouch,
      },
    };
  }

  #drawn(key, caption) {
    for (const [id, words] of Object.entries(caption ?? {})) text.set(id, words);
    if (key === "gex") text.set("draw-time", `drawn ${Math.round(performance.now() - this.#heardAt)} ms after arrival`);
  }

  #tick() {
    const now = performance.now();
    const silenceMs = now - this.#heardAt;
    const status = judge(this.#header, silenceMs, now - this.#startedAt);
    const pill = document.getElementById("pill");
    pill.dataset.state = status.state;
    text.set("pill-word", status.word);
    text.set("pill-age", format.age(status.ageMs));
    const isOld = status.state === "stale" || status.state === "connecting";
    document.getElementById("board").classList.toggle("is-stale", isOld);
    const notice = document.getElementById("notice");
    const isEmpty = this.#data?.strikes.strike.length === 0;
    const words = status.notice ?? this.#refusal ?? (isEmpty ? NOTHING : null);
    text.set("notice", words ?? "");
    notice.hidden = !words;
    notice.dataset.kind = status.state === "stale" ? "fault" : "info";
    this.#tell(status.ageMs);
  }

  /* The clock is the exchange's: the newest instant it named, plus the age of that message. */
  #tell(ageMs) {
    const header = this.#header;
    if (!header?.as_of) return;
    const exchangeNow = header.as_of + ageMs;
    text.set("clock", format.clock(exchangeNow));
    text.set("next-expiry", format.countdown((this.#data?.summary.next_expiry_ms ?? NaN) - exchangeNow));
    text.set("data-age", `as of ${format.clock(header.as_of)} \u00B7 seq ${header.seq}`);
    showBanner(header.source);
  }
}

function showBanner(source) {
  for (const line of document.getElementById("banner").children) {
    line.hidden = line.dataset.source !== source;
  }
}

/* Dash and Plotly draw the skeletons after this script has run; wait for the last of them. */
function whenDrawn(start) {
  const graphs = CHARTS.map((key) => [key, document.querySelector(`#chart-${key} .js-plotly-plot`)]);
  if (graphs.every(([, graph]) => graph?._fullLayout)) start(new Map(graphs));
  else setTimeout(() => whenDrawn(start), 50);
}

whenDrawn((graphs) => {
  const assets = [...document.querySelectorAll('[data-choice="asset"]')]
    .map((button) => button.dataset.value);
  const board = new Board(graphs, assets);
  attachControls(board);
  attachStack(board, graphs);
  watchAlerts(ALERTS_MS);
});
