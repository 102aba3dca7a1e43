/* Buttons, lists, keys and dialogs: they change what is shown and nothing else. */

import { mayNotify } from "./announce.mjs";
import { ask } from "./api.mjs";
import { PRESETS, after, chooseExpiry, toggleExpiry } from "./view.mjs";

const LETTERS = {
  b: "board", p: "positions", s: "surface", w: "whatif", f: "feedback", r: "replay", a: "alerts", n: "about",
};
const SECOND_KEY_MS = 1_500;

const byId = (id) => document.getElementById(id);
let goUntil = 0; // a letter until then names a view

/* Press the buttons that are in force; without a choice the server's own model is. */
export function showChoices(page) {
  const { shown, preferences } = page;
  const labels = shown.expiries.filter((name) => !PRESETS.includes(name));
  const isChosen = (name, value) => {
    if (name === "expiry") return value === "all" ? !shown.expiries.length : shown.expiries.includes(value);
    if (name === "label") return labels.includes(value);
    if (preferences.has(name)) return preferences.get(name) === value;
    return (shown[name] ?? shown.params[name]) === value;
  };
  for (const button of document.querySelectorAll("button[data-choice]")) {
    const pressed = String(isChosen(button.dataset.choice, button.dataset.value));
    if (button.getAttribute("aria-pressed") !== pressed) button.setAttribute("aria-pressed", pressed);
  }
  for (const link of document.querySelectorAll("[data-go]")) {
    if (link.dataset.go === shown.name) link.setAttribute("aria-current", "page");
    else link.removeAttribute("aria-current");
  }
  if (page.position) byId("select-position").value = page.position;
  byId("select-book").value = shown.book;
  byId("expiry-menu").dataset.on = String(labels.length > 0);
  const words = labels.length > 2 ? `${labels.length} expiries` : labels.join(", ") || "Pick";
  if (byId("expiry-picked").textContent !== words) byId("expiry-picked").textContent = words;
}

function choose(page, name, value) {
  const { shown } = page;
  switch (name) {
    case "asset":
      return page.show({
        asset: value, expiries: shown.expiries.filter((e) => PRESETS.includes(e)), strikes: null,
      });
    case "expiry": return page.show(chooseExpiry(shown, value));
    case "label": return page.show(toggleExpiry(shown, value));
    case "position": return page.show({ position: value });
    case "book": return page.show({ book: value });
    default:
      return page.preferences.has(name) ? prefer(page, name, value) : page.showParam(name, value);
  }
}

/* Notifications need the browser's leave, and it asks only after a press of a button. */
async function prefer({ preferences }, name, value) {
  if (name === "notify" && value === "on" && !(await mayNotify())) return;
  preferences.set(name, value);
}

export function attachControls(page) {
  document.addEventListener("click", (event) => click(page, event));
  document.addEventListener("change", ({ target }) => {
    if (target.matches("select[data-choice]")) choose(page, target.dataset.choice, target.value);
  });
  document.addEventListener("keydown", (event) => pressKey(page, event));
  byId("expiry-menu").addEventListener("toggle", () => listExpiries(page));
  byId("help-open").addEventListener("click", () => byId("help").showModal());
  byId("display-open").addEventListener("click", () => byId("display").showModal());
  byId("copy-link").addEventListener("click", () => copyLink());
}

function click(page, event) {
  for (const menu of document.querySelectorAll("details.menu[open]")) {
    if (!menu.contains(event.target)) menu.open = false;
  }
  const button = event.target.closest("button[data-choice]");
  if (button) choose(page, button.dataset.choice, button.dataset.value);
  const close = event.target.closest("[data-close]");
  if (close) byId(close.dataset.close).close();
  if (event.target.matches("dialog")) event.target.close(); // the backdrop
  const link = event.target.closest("[data-go]");
  if (!link || event.ctrlKey || event.metaKey || event.shiftKey) return;
  event.preventDefault();
  page.show({ name: link.dataset.go });
}

async function copyLink() {
  const button = byId("copy-link");
  try {
    await navigator.clipboard.writeText(location.href);
    button.textContent = "Copied";
  } catch {
    button.textContent = "Copy the address bar"; // only secure pages may write there
  }
  setTimeout(() => { button.textContent = "Copy link"; }, 2_000);
}

async function listExpiries(page) {
  if (!byId("expiry-menu").open) return;
  const { data } = await ask("/api/v1/assets");
  const row = data?.find((asset) => asset.asset === page.shown.asset);
  byId("expiry-list").replaceChildren(...(row?.expiries ?? []).map((expiry) => {
    const button = document.createElement("button");
    button.type = "button";
    button.textContent = expiry;
    button.dataset.choice = "label";
    button.dataset.value = expiry;
    return button;
  }));
  showChoices(page);
}

function focusPanel(page, place) {
  const panels = [...document.querySelectorAll(`#view-${page.shown.name} .panel`)]
    .filter((panel) => panel.checkVisibility());
  panels[place]?.scrollIntoView({ block: "nearest" });
  panels[place]?.focus({ focusVisible: true });
}

function pressKey(page, event) {
  if (event.ctrlKey || event.metaKey || event.altKey) return;
  if (event.target.closest("input, textarea, select") || document.querySelector("dialog[open]")) return;
  const { shown, known } = page;
  const key = event.key.toLowerCase();
  const view = performance.now() < goUntil ? LETTERS[key] : undefined;
  goUntil = key === "g" ? performance.now() + SECOND_KEY_MS : 0;
  const asset = known.assets.find((name) => name[0].toLowerCase() === key);
  if (view) page.show({ name: view });
  else if (/^[1-9]$/.test(key)) focusPanel(page, Number(key) - 1);
  else if (key === "x") choose(page, "expiry", after(["all", ...PRESETS], shown.expiries[0] ?? "all"));
  else if (key === "p") choose(page, "position", after(known.positions, page.position));
  else if (key === "t") {
    page.preferences.set("theme", document.documentElement.dataset.theme === "light" ? "dark" : "light");
  } else if (key === "?") byId("help").showModal();
  else if (page.view.key?.(event.key, page)) event.preventDefault();
  else if (asset) choose(page, "asset", asset);
}
