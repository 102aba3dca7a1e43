/* The rules that watch the board, read from the API; quiet where there are none. */

import { clock, unsignedMoney } from "./format.mjs";

const LEVELS = { flip: "the flip", call_wall: "the call wall", put_wall: "the put wall" };
const limit = ({ when }, amount) => `${when} ${amount < 0 ? "\u2212" : ""}${unsignedMoney(amount)}`;
const SENTENCES = {
  flip_crossed: () => "spot crosses the flip",
  regime_changed: () => "gamma regime changes",
  level_near: (params) => `spot within ${params.within_pct}% of ${LEVELS[params.level] ?? params.level}`,
  net_gex_beyond: (params) => `net GEX ${limit(params, params.gex_usd_per_1pct)}`,
  hedge_flow_beyond: (params) => `hedge flow ${limit(params, params.flow_usd)}`,
  loop_gain_beyond: (params) => `loop gain ${params.when} ${params.gain}`,
  data_stale: (params) => `no data for ${params.after_s} s`,
};
const STATES = { unarmed: "arming", frozen: "frozen: data stale", disabled: "off" };
const NONE =
  "No rule yet. A rule posts a signed webhook when spot crosses the flip: create a webhook, " +
  "then a rule (POST /api/v1/webhooks, POST /api/v1/alerts).";
const REFUSED = "The rules are kept behind a token. Read them through the API with it.";
const MUTED = "Demo data: rules run, webhooks stay off.";

function element(tag, className, text = "") {
  const made = document.createElement(tag);
  made.className = className;
  made.textContent = text;
  return made;
}

function item(rule) {
  const row = element("li", "");
  row.dataset.state = rule.state.status;
  const sentence = SENTENCES[rule.kind]?.(rule.params) ?? rule.kind;
  const words = element("span", "rule", `${rule.asset}: ${sentence}`);
  const fired = rule.last_event ? `last ${clock(rule.last_event.created_at)}` : "not fired yet";
  words.append(element("small", "", `${fired}, dead band ${rule.dead_band_pct}%, ${rule.confirm_s} s`));
  row.append(
    element("i", "dot"), words,
    element("span", "state", STATES[rule.state.status] ?? rule.state.status),
  );
  return row;
}

async function readRules() {
  const answer = await fetch("/api/v1/alerts", { cache: "no-store" });
  if (answer.status === 401 || answer.status === 403) return [element("li", "empty", REFUSED)];
  if (!answer.ok) return [element("li", "empty", NONE)];
  const { data, webhooks_on: areOn } = await answer.json();
  if (!data.length) return [element("li", "empty", NONE)];
  return [...data.map(item), ...(areOn ? [] : [element("li", "empty", MUTED)])];
}

/* Keep the list current; stop once it is refused, so as not to knock in vain. */
export async function watchAlerts(everyMs) {
  try {
    const rows = document.hidden ? null : await readRules();
    if (rows) document.getElementById("alert-rows").replaceChildren(...rows);
    if (rows?.[0].textContent === REFUSED) return;
  } catch {
    // The server is away; the status pill says so.
  }
  setTimeout(() => watchAlerts(everyMs), everyMs);
}
