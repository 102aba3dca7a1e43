/* Replay: the kept past, minute by minute. The header above stays live. */

import { fill, make } from "../dom.mjs";
import { age, clock, level, money, percent, price } from "../format.mjs";
import { read } from "../sources.mjs";
import { set, sidesOf, toneOf } from "../text.mjs";
import { matching, withPosition } from "../view.mjs";
import { strikesThen, wholeRange } from "./replay_charts.mjs";

const MINUTE_MS = 60_000;
const FRAME_MS = 200;
const SPANS = { "24h": 24, "6h": 6, "7d": 168, "30d": 720 };
const REGIMES = [["\u25B2 Long", "positive"], ["\u25BC Short", "negative"], ["Unknown", ""]];

let page = null;
let past = null; // newest answer with a curve in it
let timer = 0;

/* The frame in sight: the last one not after the asked instant, the newest when none is asked. */
function frameOf(data, asked) {
  const times = data.timestamp;
  if (!asked) return times.length - 1;
  const after = times.findIndex((at) => at > Number(asked));
  return after < 0 ? times.length - 1 : Math.max(0, after - 1);
}

const isPlaying = () => timer !== 0;

function pause() {
  clearInterval(timer);
  timer = 0;
  set("replay-play", "\u25B6 Play");
}

/* Show an instant; null follows the newest. The URL follows without a new question. */
function goTo(at) {
  page.note({ params: { ...page.shown.params, t: at === null ? "" : String(Math.round(at)) } });
  show();
}

function step(by) {
  const { timestamp } = past.data;
  const next = frameOf(past.data, page.shown.params.t) + by;
  goTo(timestamp[Math.min(timestamp.length - 1, Math.max(0, next))]);
}

function play() {
  if (isPlaying()) return pause();
  const { timestamp } = past.data;
  const here = timestamp[frameOf(past.data, page.shown.params.t)];
  let at = here < timestamp.at(-1) ? here : timestamp[0]; // from the end it starts over
  set("replay-play", "\u275A\u275A Pause");
  timer = setInterval(() => {
    at += (Number(page.shown.params.speed) * MINUTE_MS * FRAME_MS) / 1000;
    if (at >= past.data.timestamp.at(-1)) {
      pause();
      return goTo(past.data.timestamp.at(-1));
    }
    return goTo(at);
  }, FRAME_MS);
  return undefined;
}

function show() {
  if (!past) return;
  const { data, as_of: asOf, position } = past;
  const frame = frameOf(data, page.shown.params.t);
  const at = data.timestamp[frame];
  const slider = document.getElementById("replay-range");
  slider.max = data.timestamp.length - 1;
  slider.value = frame;
  slider.setAttribute("aria-valuetext", clock(at));
  const isPast = page.shown.params.t !== "";
  document.getElementById("panel-replay-player").dataset.past = String(isPast);
  set("replay-at", `${clock(at)} UTC`);
  set("replay-ago", isPast ? `${age(asOf - at)} ago: this is the past, the header above is live` : "the newest minute that was kept");
  const [spot, flip, gex] = [data.spot_usd[frame], data.flip_usd[frame], data.net_gex_usd_per_1pct[frame]];
  const [word, tone] = REGIMES[gex > 0 ? 0 : gex < 0 ? 1 : 2];
  const [long, short] = sidesOf(position);
  set("replay-long", long);
  set("replay-short", short);
  set("replay-spot", price(spot));
  set("replay-gex", money(gex), toneOf(gex));
  set("replay-gex-words", `of ${money(data.gross_gex_usd_per_1pct[frame]).replace("+", "")} gross`);
  set("replay-regime", word, tone);
  set("replay-flip", level(flip), "flip");
  set("replay-flip-words", flip ? `spot ${percent(spot / flip - 1, 2)} from it` : "none");
  set("replay-call-wall", level(data.call_wall_usd[frame]), "positive");
  set("replay-put-wall", level(data.put_wall_usd[frame]), "negative");
  page.redraw(["replay-gex", "replay-path"]);
}

export default {
  name: "replay",

  params: { t: matching(/^(\d{13})?$/, ""), span: ["24h", "6h", "7d", "30d"], speed: ["1", "5", "20"] },

  /* The window moves with the clock; an instant before it is kept in it. */
  sources(shown) {
    const address = () => {
      const { header } = page;
      if (header?.asset !== shown.asset || !header.as_of) return null;
      const first = Math.floor(header.as_of / MINUTE_MS) * MINUTE_MS - SPANS[shown.params.span] * 60 * MINUTE_MS;
      const asked = Number(page.shown.params.t);
      const from = asked ? Math.min(first, asked - MINUTE_MS) : first;
      return withPosition(shown, "/history/strikes", `from=${from}&points=600`);
    };
    return { past: read(address, MINUTE_MS, undefined, `past ${shown.asset} ${shown.position} ${shown.params.span}`) };
  },

  gather(value) {
    const found = value("past");
    if (found?.data?.timestamp.length) past = found;
    return past?.asset === page.shown.asset ? { past, frame: frameOf(past.data, page.shown.params.t) } : null;
  },

  charts: {
    "replay-gex": { everyMs: 100, draw: strikesThen },
    "replay-path": {
      everyMs: 100,
      draw: wholeRange,
      attach: (graph) => graph.on("plotly_click", ({ points: [point] }) => {
        pause();
        goTo(past.data.timestamp[point.pointNumber]);
      }),
    },
  },

  write: show,

  notice() {
    const found = page?.value("past");
    if (found?.problem) return `${found.problem.title}: ${found.problem.detail}`;
    return found?.data && !found.data.timestamp.length ? "Nothing was kept yet in this range. The first minute comes within a minute." : null;
  },

  attach(opened) {
    page = opened;
    fill("replay-slider", make("input", {
      id: "replay-range", type: "range", min: 0, max: 0, step: 1, "aria-label": "Time",
      on: { input: ({ target }) => { pause(); goTo(past.data.timestamp[Number(target.value)]); } },
    }));
    const press = (id, act) => document.getElementById(id).addEventListener("click", () => past && act());
    press("replay-play", play);
    press("replay-back", () => { pause(); step(-1); });
    press("replay-on", () => { pause(); step(1); });
    press("replay-live", () => { pause(); goTo(null); });
  },

  reset({ shown }) {
    if (past && past.asset !== shown.asset) {
      pause();
      past = null;
    }
  },

  leave: pause,

  key(key) {
    if (key === " ") play();
    else if (key === "ArrowLeft") step(-1);
    else if (key === "ArrowRight") step(1);
    else return false;
    return true;
  },
};
