/* Joins sources, controls and painter to one page that shows one view at a time. */

import { watchAlerts } from "./alerts.mjs";
import { DayChange } from "./change.mjs";
import { attachControls, showChoices } from "./controls.mjs";
import { attachExports } from "./exports.mjs";
import { embedded, showFacts } from "./embed.mjs";
import * as format from "./format.mjs";
import { Painter } from "./painter.mjs";
import { Preferences } from "./preferences.mjs";
import { Sources, stream } from "./sources.mjs";
import { judge } from "./status.mjs";
import * as text from "./text.mjs";
import * as views from "./view.mjs";
import { VIEWS } from "./views/index.mjs";

const REFUSAL_MS = 8_000;
const CLOCK_MS = 250;
const ALERTS_MS = 10_000;
const HEAD = "head"; // the source that every view has: the headline, alone or with more
const headline = (message) => message?.data?.summary ?? message?.data ?? null;

class Page {
  shown; // what is shown: see view.mjs
  preferences = new Preferences((name) => this.#restyle(name));
  #known;
  #attached = new Set();
  #header = null; // newest header, complete or not
  #newest = ""; // topic and seq of the newest headline
  #heardAt = 0;
  #startedAt = performance.now();
  #refusal = null; // what the server answered to a selection it does not know
  #refusalTimer = 0;
  #change = new DayChange();
  #sources = new Sources((name, value) => this.#receive(name, value), (error) => this.#refuse(error));
  #painter = new Painter(() => this.#scene(), (key, graph, caption) => this.#drawn(key, caption));

  constructor(known) {
    this.#known = known;
    this.shown = views.parse(location.search, known);
    setInterval(() => this.#tick(), CLOCK_MS);
    addEventListener("popstate", () => this.#show(views.parse(location.search, known)));
  }

  /* The module of the view in sight. */
  get view() {
    return VIEWS[this.shown.name];
  }

  get known() {
    return this.#known;
  }

  /* The newest header of the asset in sight, null before the first. */
  get header() {
    return this.#header;
  }

  /* The position model in force: the server's own when the link names none. */
  get position() {
    return this.shown.position ?? this.#header?.position ?? null;
  }

  /* The newest value of a source of this view by name, null before the first. */
  value(name) {
    return this.#sources.value(name);
  }

  start() {
    this.#show(this.shown);
  }

  /* Change what is shown; the old numbers dim until the new ones are here. */
  show(changes) {
    const shown = { ...this.shown, ...changes };
    if (changes.name && changes.name !== this.shown.name) {
      const own = Object.entries(this.#known.params[changes.name] ?? {});
      shown.params = Object.fromEntries(own.map(([key, [first]]) => [key, first]));
      history.pushState(null, "", views.link(shown, this.#known));
    }
    this.#show(shown);
  }

  /* Change one of the view's own parts of the URL. */
  showParam(key, value) {
    this.show({ params: { ...this.shown.params, [key]: value } });
  }

  /* Redraw charts of this view by key, or all, at the next frame. */
  redraw(keys) {
    this.#painter.invalidate(keys, true);
  }

  /* Read a source of the API again now. */
  refresh(name) {
    this.#sources.refresh(name);
  }

  graph(key) {
    return this.#painter.graph(key);
  }

  /* Keep the URL at what is shown, as after the strikes moved. */
  note(changes) {
    this.shown = { ...this.shown, ...changes };
    this.#keepLink();
  }

  #keepLink() {
    history.replaceState(null, "", views.link(this.shown, this.#known));
  }

  #show(shown) {
    const { view: old } = this;
    this.shown = shown;
    this.#refusal = null;
    this.#keepLink();
    const { view } = this;
    if (old !== view) old.leave?.(this);
    for (const body of document.querySelectorAll("[data-view]")) {
      body.hidden = body.dataset.view !== view.name;
    }
    document.getElementById("board").dataset.shows = view.name;
    document.getElementById("main").setAttribute("aria-busy", "true");
    if (!this.#attached.has(view)) view.attach?.(this);
    this.#attached.add(view);
    view.reset?.(this);
    this.#painter.show(view.name, view.charts ?? {});
    showChoices(this);
    this.#sources.follow({
      [HEAD]: stream(views.topic(shown, "summary")),
      ...view.sources?.(shown, this),
    });
    this.#write();
  }

  #receive(name, value) {
    if (name === HEAD) this.#head(value);
    this.#write(name);
    this.#tick();
  }

  #head(message) {
    const { topic, data, ...header } = message;
    const newest = `${topic} ${header.seq}`;
    if (newest === this.#newest) return; // sent again after a reconnect: no sign of life
    this.#newest = newest;
    this.#header = header;
    this.#heardAt = performance.now();
    const summary = headline(message);
    if (!summary) return;
    text.showHeader(header, summary);
    this.#change.show(header);
    text.showFooter(header);
    showChoices(this);
    text.showTitle(header, summary);
  }

  /* Text at once; charts that `news` concerns, or all, when they are due. */
  #write(news = null) {
    const data = this.#gather();
    if (!data) return;
    this.view.write?.(data, this);
    document.getElementById("main").setAttribute("aria-busy", "false");
    document.getElementById("board").classList.add("has-data");
    const charts = Object.entries(this.view.charts ?? {});
    this.#painter.invalidate(charts.filter(([, { from }]) => !news || !from || from === news).map(([key]) => key));
  }

  /* What the view draws from, or null while it lacks something. */
  #gather() {
    const head = this.#sources.value(HEAD);
    if (!head?.data) return null;
    if (this.view.gather) return this.view.gather((name) => this.#sources.value(name), this);
    return this.#sources.values();
  }

  #scene() {
    const data = this.#gather();
    if (!data) return null;
    const { seq, as_of, asset } = this.#sources.value(HEAD);
    const scene = { meta: { seq, as_of, asset }, page: this, ...this.view.scene?.(data, this) };
    return { data, scene };
  }

  #drawn(key, caption) {
    for (const [id, words] of Object.entries(caption ?? {})) text.set(id, words);
    document.getElementById("board").classList.add("is-drawn");
    const sinceMs = Math.round(performance.now() - this.#heardAt);
    text.set("draw-time", `drawn ${sinceMs} ms after arrival`);
  }

  /* The server knows no such asset or expiry: say so, and show everything instead. */
  #refuse(error) {
    if (this.shown.expiries.length) this.show({ expiries: [] });
    this.#refusal = `The server answered: ${error}`;
    clearTimeout(this.#refusalTimer);
    this.#refusalTimer = setTimeout(() => { this.#refusal = null; }, REFUSAL_MS);
    this.#tick();
  }

  #restyle(name) {
    if (["theme", "palette", "density"].includes(name)) this.#painter.recolour();
    showChoices(this);
    this.view.reset?.(this);
    this.#write();
    this.redraw();
  }

  #tick() {
    const now = performance.now();
    const status = judge(this.#header, now - this.#heardAt, now - this.#startedAt);
    const words = status.notice ?? this.#refusal ?? this.view.notice?.(this) ?? null;
    text.showStatus(status, words);
    if (!this.#header?.as_of) return;
    // The clock is the exchange's: the newest instant it named, plus the age of that message.
    const exchangeNow = this.#header.as_of + status.ageMs;
    const next = headline(this.#sources.value(HEAD))?.next_expiry_ms ?? NaN;
    text.set("clock", format.clock(exchangeNow));
    text.set("next-expiry", format.countdown(next - exchangeNow));
    text.showBanner(this.#header.source);
  }
}

const values = (selector, name) =>
  [...document.querySelectorAll(selector)].map((part) => part.dataset[name] ?? part.value);

/* Dash draws the shell after this script has run; wait for the last part of it. */
function whenDrawn(start) {
  if (document.getElementById("table") && window.Plotly) start();
  else setTimeout(() => whenDrawn(start), 20);
}

whenDrawn(() => {
  const only = embedded();
  const page = new Page({
    views: only ? [only] : values("[data-view]", "view"),
    assets: values('[data-choice="asset"]', "value"),
    positions: values("#select-position option", "value"),
    books: values("#select-book option", "value"),
    params: Object.fromEntries(Object.values(VIEWS).map(({ name, params }) => [name, params ?? {}])),
  });
  attachControls(page);
  attachExports(page);
  watchAlerts(page, ALERTS_MS);
  page.start();
  showFacts(page);
});
