/* The rules that watch the board, read from the API; quiet where there are none. */

const KINDS = {
  flip_crossed: "Spot crosses the gamma flip",
  regime_changed: "The gamma regime changes",
  level_near: "Spot nears a level",
  net_gex_beyond: "Net GEX beyond a limit",
  hedge_flow_beyond: "Hedge flow beyond a limit",
  loop_gain_beyond: "Loop gain beyond a limit",
  data_stale: "The data go stale",
};
const NONE =
  "No rule yet. A rule posts a signed webhook when spot crosses the flip: create a webhook, " +
  "then a rule, under /docs (POST /api/v1/webhooks, POST /api/v1/alerts).";
const REFUSED = "The rules are kept behind a token. Read them with it through the API; see /docs.";

let isRefused = false;

function item(rule) {
  const row = document.createElement("li");
  const dot = document.createElement("i");
  const words = document.createElement("span");
  const state = document.createElement("span");
  dot.className = "dot";
  state.className = "state";
  words.textContent = `${rule.asset} \u00B7 ${KINDS[rule.kind] ?? rule.kind}`;
  state.textContent = rule.enabled === false ? "off" : String(rule.state ?? "on");
  row.append(dot, words, state);
  return row;
}

function note(text) {
  const row = document.createElement("li");
  row.className = "empty";
  row.textContent = text;
  return row;
}

export async function refreshAlerts() {
  if (isRefused) return;
  try {
    const answer = await fetch("/api/v1/alerts", { cache: "no-store" });
    isRefused = answer.status === 401 || answer.status === 403 || answer.status === 404;
    const body = answer.ok ? await answer.json() : [];
    const rules = Array.isArray(body) ? body : (body.data ?? []);
    const rows = rules.length ? rules.map(item) : [note(answer.status === 401 ? REFUSED : NONE)];
    document.getElementById("alert-rows").replaceChildren(...rows);
  } catch {
    // The server is away; the status pill says so.
  }
}
