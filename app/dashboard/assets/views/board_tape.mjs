/* The newest option prints, gathered from the API's past and the stream, by size. */

import { UNKNOWN, clock, coins, isKnown, percent, unsignedMoney } from "../format.mjs";
import { node, write } from "../text.mjs";

const MOST_PRINTS = 1_000;
const MOST_ROWS = 40;

/* The stream sends columns, the API rows. */
const rowsOf = (table) => (Array.isArray(table) ? table
  : table.trade_id.map((_, i) => Object.fromEntries(Object.entries(table).map(([key, column]) => [key, column[i]]))));

export class Tape {
  #asset = "";
  #prints = []; // newest first
  #known = new Set();

  /* `tables` of the same asset, each newest first. */
  show(asset, tables, fromCoins) {
    if (asset !== this.#asset) {
      this.#asset = asset;
      this.#prints = [];
      this.#known.clear();
    }
    for (const table of tables) if (table) this.#add(rowsOf(table));
    const seen = this.#prints.filter((print) => print.amount_coin >= fromCoins).slice(0, MOST_ROWS);
    const body = node("tape-rows");
    if (!seen.length) {
      body.replaceChildren(emptyRow(this.#prints.length));
      return;
    }
    if (body.querySelectorAll("tr:not(.none)").length !== seen.length) {
      body.replaceChildren(...seen.map(newRow));
    }
    seen.forEach((print, i) => fill(body.children[i], print));
  }

  #add(rows) {
    const added = rows.filter(({ trade_id: id }) => !this.#known.has(id));
    if (!added.length) return;
    for (const { trade_id: id } of added) this.#known.add(id);
    this.#prints = [...added, ...this.#prints].sort((a, b) => b.timestamp - a.timestamp);
    for (const { trade_id: id } of this.#prints.splice(MOST_PRINTS)) this.#known.delete(id);
  }
}

function newRow() {
  const row = document.createElement("tr");
  for (let i = 0; i < 6; i += 1) row.insertCell();
  return row;
}

function emptyRow(count) {
  const row = document.createElement("tr");
  row.className = "none";
  const cell = row.insertCell();
  cell.colSpan = 6;
  cell.className = "empty";
  cell.textContent = count ? "No print of this size yet." : "No print yet.";
  return row;
}

function fill(row, print) {
  const [time, option, taker, amount, iv, premium] = row.children;
  const marks = [print.block_trade_id && "block", print.liquidation && "liq."].filter(Boolean);
  write(time, clock(print.timestamp).split(" ").at(-1));
  write(option, [print.instrument_name.replace(/^\w+?-/, ""), ...marks].join(" "));
  write(taker, print.direction === "buy" ? "buys" : "sells", print.direction === "buy" ? "positive" : "negative");
  write(amount, coins(print.amount_coin));
  write(iv, isKnown(print.iv) ? percent(print.iv, 1).replace("+", "") : UNKNOWN);
  write(premium, unsignedMoney(print.premium_usd));
}
