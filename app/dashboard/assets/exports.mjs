/* What a chart shows, taken out of it: a table, a picture, a file of numbers. */

import { number } from "./format.mjs";

const byId = (id) => document.getElementById(id);
const named = (trace) => trace.name && (trace.x?.length || trace.z?.length);

/* Columns of a drawn chart: the x of all traces together, then each trace's y; a heatmap's rows. */
function columns(graph) {
  const { data, layout } = graph;
  const map = data.find((trace) => trace.z);
  if (map) {
    const head = ["", ...map.x];
    return { head, rows: map.z.map((row, i) => [map.y[i], ...row]) };
  }
  const isSideways = data.some((trace) => trace.orientation === "h");
  const [at, of] = isSideways ? ["y", "x"] : ["x", "y"];
  const isTime = layout.xaxis?.type === "date";
  const traces = data.filter(named).filter((trace, i, all) => trace.hoverinfo !== "skip" || all.length > 1);
  const places = [...new Set(traces.flatMap((trace) => [...trace[at]]))];
  if (!isSideways) places.sort((a, b) => a - b);
  const lookups = traces.map((trace) =>
    new Map([...trace[at]].map((place, i) => [place, (trace[of] ?? trace.close)[i]])));
  return {
    head: [isTime ? "UTC" : "", ...traces.map((trace) => trace.name)],
    rows: places.map((place) => [
      isTime ? new Date(place).toISOString() : place,
      ...lookups.map((lookup) => lookup.get(place) ?? null),
    ]),
  };
}

const written = (cell) => {
  if (typeof cell !== "number") return cell ?? "\u2013";
  return number(cell, Math.abs(cell) >= 1_000 ? 0 : Math.abs(cell) >= 1 ? 2 : 6);
};

function showTable(title, { head, rows }) {
  const table = document.createElement("table");
  const top = table.createTHead().insertRow();
  for (const name of head) {
    const cell = document.createElement("th");
    cell.scope = "col";
    cell.textContent = typeof name === "number" ? written(name) : name;
    top.append(cell);
  }
  const body = table.createTBody();
  for (const row of rows) {
    const line = body.insertRow();
    for (const value of row) line.insertCell().textContent = written(value);
  }
  byId("table-title").textContent = title;
  byId("table-body").replaceChildren(table);
  byId("table").showModal();
}

function save(name, content, type) {
  const link = document.createElement("a");
  link.href = URL.createObjectURL(new Blob([content], { type }));
  link.download = name;
  link.click();
  URL.revokeObjectURL(link.href);
}

const csv = ({ head, rows }) => [head, ...rows].map((row) => row.map((cell) => cell ?? "").join(",")).join("\n") + "\n";

export function attachExports(page) {
  document.addEventListener("click", ({ target }) => {
    const button = target.closest("[data-export]");
    if (!button) return;
    button.closest("details").open = false;
    const key = button.dataset.panel;
    const graph = page.graph(key);
    if (!graph?.data) return;
    const title = byId(`title-${key}`).textContent;
    const name = `gammaflip-${page.shown.asset}-${key}`;
    switch (button.dataset.export) {
      case "table": return showTable(title, columns(graph));
      case "csv": return save(`${name}.csv`, csv(columns(graph)), "text/csv");
      default: {
        const background = getComputedStyle(document.documentElement).getPropertyValue("--panel").trim();
        const layout = { ...graph.layout, paper_bgcolor: background };
        return Plotly.downloadImage({ data: graph.data, layout }, { format: "png", scale: 2, filename: name });
      }
    }
  });
}
