/* Buttons, the expiry menu, keys and the help: they change the view and nothing else. */

import { POSITIONS, PRESETS, after, chooseExpiry, toggleExpiry } from "./view.mjs";

const PANELS = ["gex", "profile", "matrix", "expiries", "history", "ladder", "alerts"];

const byId = (id) => document.getElementById(id);

function press(name, isPressed) {
  for (const button of document.querySelectorAll(`[data-choice="${name}"]`)) {
    const pressed = String(isPressed(button.dataset.value));
    if (button.getAttribute("aria-pressed") !== pressed) button.setAttribute("aria-pressed", pressed);
  }
}

/* Press the buttons that are in force; without a choice the server's own model is. */
export function showChoices(view, servedPosition, by) {
  const labels = view.expiries.filter((name) => !PRESETS.includes(name));
  press("asset", (value) => value === view.asset);
  press("position", (value) => value === (view.position ?? servedPosition));
  press("book", (value) => value === view.book);
  press("expiry", (value) =>
    value === "all" ? !view.expiries.length : view.expiries.includes(value));
  press("label", (value) => labels.includes(value));
  if (by) press("by", (value) => value === by);
  byId("expiry-menu").dataset.on = String(labels.length > 0);
  const words = labels.length > 2 ? `${labels.length} expiries` : labels.join(", ") || "Pick";
  if (byId("expiry-picked").textContent !== words) byId("expiry-picked").textContent = words;
}

function choose(board, name, value) {
  const { view } = board;
  const changes = {
    asset: () => ({ ...view, asset: value, expiries: view.expiries.filter((e) => PRESETS.includes(e)) }),
    expiry: () => chooseExpiry(view, value),
    label: () => toggleExpiry(view, value),
    position: () => ({ ...view, position: value }),
    book: () => ({ ...view, book: value }),
  };
  if (name === "by") board.showBy(value);
  else board.show(changes[name]());
}

export function attachControls(board) {
  document.addEventListener("click", (event) => {
    const button = event.target.closest("[data-choice]");
    if (button) choose(board, button.dataset.choice, button.dataset.value);
    else if (!event.target.closest("#expiry-menu")) byId("expiry-menu").open = false;
  });
  byId("expiry-menu").addEventListener("toggle", () => listExpiries(board));
  byId("help-open").addEventListener("click", () => byId("help").showModal());
  byId("help-close").addEventListener("click", () => byId("help").close());
  document.addEventListener("keydown", (event) => pressKey(board, event));
}

async function listExpiries(board) {
  if (!byId("expiry-menu").open) return;
  const answer = await fetch("/api/v1/assets", { cache: "no-store" });
  if (!answer.ok) return;
  const { data } = await answer.json();
  const row = data.find((asset) => asset.asset === board.view.asset);
  byId("expiry-list").replaceChildren(...(row?.expiries ?? []).map((expiry) => {
    const button = document.createElement("button");
    button.type = "button";
    button.textContent = expiry;
    button.dataset.choice = "label";
    button.dataset.value = expiry;
    return button;
  }));
  showChoices(board.view, board.position);
}

function pressKey(board, event) {
  if (event.ctrlKey || event.metaKey || event.altKey) return;
  if (event.target.closest("input, textarea, select")) return;
  const { view } = board;
  const panel = PANELS[Number(event.key) - 1];
  const key = event.key.toUpperCase();
  const asset = board.assets.find((name) => name[0] === key);
  if (panel) {
    byId(`panel-${panel}`).scrollIntoView({ block: "nearest" });
    byId(`panel-${panel}`).focus({ focusVisible: true });
  } else if (key === "X") {
    choose(board, "expiry", after(["all", ...PRESETS], view.expiries[0] ?? "all"));
  } else if (key === "P") {
    choose(board, "position", after(POSITIONS, board.position));
  } else if (key === "R") {
    board.moveStrikes((window) => window.reset());
  } else if (key === "?") {
    byId("help").showModal();
  } else if (key === "ESCAPE") {
    byId("expiry-menu").open = false;
  } else if (asset) {
    choose(board, "asset", asset);
  }
}
