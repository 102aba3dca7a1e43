/* The three charts over strikes move as one: shared zoom, shared crosshair, click on an expiry. */

import { level } from "./format.mjs";
import { chooseExpiry } from "./view.mjs";

const WHEEL_STEP = 1.0015;

/* `strikes` is the shared window, `move(change)` changes it. */
export function attachStack(page, strikes, move) {
  const stack = document.getElementById("stack");
  const plot = () => {
    const graph = page.graph("gex");
    const { l, w } = graph._fullLayout._size;
    return { left: graph.getBoundingClientRect().left + l, width: w };
  };
  const strikeAt = (clientX) => {
    if (!strikes.range || !page.graph("gex")?.data) return null;
    const { left, width } = plot();
    const share = (clientX - left) / width;
    if (share < 0 || share > 1) return null;
    const [low, high] = strikes.range;
    return low + share * (high - low);
  };
  followPointer(stack, strikeAt);
  stack.addEventListener("wheel", (event) => zoom(move, strikeAt, event), { passive: false });
}

/* A drag on one chart moves all of them. */
export function followDrag(graph, move) {
  const follow = (change) => {
    const low = change["xaxis.range[0]"] ?? change["xaxis.range"]?.[0];
    const high = change["xaxis.range[1]"] ?? change["xaxis.range"]?.[1];
    if (low !== undefined) move((window) => window.hold([Number(low), Number(high)]));
  };
  graph.on("plotly_relayouting", follow);
  graph.on("plotly_relayout", follow);
  graph.on("plotly_doubleclick", () => move((window) => window.reset()));
}

/* Clicking an expiry shows it alone; clicking the one that is alone shows all again. */
export function pickExpiry(page, expiry) {
  const { shown } = page;
  const isAlone = shown.expiries.length === 1 && shown.expiries[0] === expiry;
  page.show(chooseExpiry(shown, isAlone ? "all" : expiry));
}

function followPointer(stack, strikeAt) {
  const crosshair = document.getElementById("crosshair");
  const value = document.getElementById("crosshair-value");
  stack.addEventListener("pointermove", (event) => {
    const strike = event.pointerType === "mouse" ? strikeAt(event.clientX) : null;
    crosshair.hidden = strike === null;
    if (strike === null) return;
    crosshair.style.left = `${event.clientX - stack.getBoundingClientRect().left}px`;
    value.textContent = level(strike);
  });
  stack.addEventListener("pointerleave", () => { crosshair.hidden = true; });
}

/* The wheel belongs to the page where the page scrolls, unless Ctrl is held. */
function zoom(move, strikeAt, event) {
  const page = document.scrollingElement;
  const scrolls = page.scrollHeight > page.clientHeight + 1;
  const strike = strikeAt(event.clientX);
  if (strike === null || (scrolls && !event.ctrlKey)) return;
  event.preventDefault();
  move((window) => window.zoom(WHEEL_STEP ** event.deltaY, strike));
}
