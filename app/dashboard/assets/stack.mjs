/* The three charts over strikes move as one: shared zoom, shared crosshair, click on an expiry. */

import { level } from "./format.mjs";
import { chooseExpiry } from "./view.mjs";

const WHEEL_STEP = 1.0015;
const STACKED = ["gex", "profile", "matrix"];

export function attachStack(board, graphs) {
  for (const key of STACKED) followDrag(board, graphs.get(key));
  for (const key of ["matrix", "expiries"]) {
    graphs.get(key).on("plotly_click", ({ points: [point] }) => pickExpiry(board, point.y));
  }
  const stack = document.getElementById("stack");
  const plot = () => {
    const { l, w } = graphs.get("gex")._fullLayout._size;
    return { left: graphs.get("gex").getBoundingClientRect().left + l, width: w };
  };
  const strikeAt = (clientX) => {
    const { left, width } = plot();
    const share = (clientX - left) / width;
    if (!board.strikeWindow.range || share < 0 || share > 1) return null;
    const [low, high] = board.strikeWindow.range;
    return low + share * (high - low);
  };
  followPointer(stack, strikeAt);
  stack.addEventListener("wheel", (event) => zoom(board, strikeAt, event), { passive: false });
}

function followDrag(board, graph) {
  const follow = (change) => {
    const low = change["xaxis.range[0]"] ?? change["xaxis.range"]?.[0];
    const high = change["xaxis.range[1]"] ?? change["xaxis.range"]?.[1];
    if (low !== undefined) board.moveStrikes((window) => window.hold([Number(low), Number(high)]));
  };
  graph.on("plotly_relayouting", follow);
  graph.on("plotly_relayout", follow);
  graph.on("plotly_doubleclick", () => board.moveStrikes((window) => window.reset()));
}

/* Clicking an expiry shows it alone; clicking the one that is alone shows all again. */
function pickExpiry(board, expiry) {
  const isAlone = board.view.expiries.length === 1 && board.view.expiries[0] === expiry;
  board.show(chooseExpiry(board.view, isAlone ? "all" : expiry));
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
function zoom(board, strikeAt, event) {
  const page = document.scrollingElement;
  const scrolls = page.scrollHeight > page.clientHeight + 1;
  const strike = strikeAt(event.clientX);
  if (strike === null || (scrolls && !event.ctrlKey)) return;
  event.preventDefault();
  board.moveStrikes((window) => window.zoom(WHEEL_STEP ** event.deltaY, strike));
}
