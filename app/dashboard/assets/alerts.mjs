/* The rules that watch the board, read from the API; quiet where there are none. */

import { ask } from "./api.mjs";
import { clock, unsignedMoney } from "./format.mjs";
import { Announcer } from "./announce.mjs";

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
const NONE = "No rule yet. A rule posts a signed webhook when spot crosses the flip.";
const REFUSED = "The rules are kept behind a token. The view Alerts asks for it.";
const MUTED = "Demo data: rules run, webhooks stay off.";

function element(tag, className, text = "") {
  const made = document.createElement(tag);
  made.className = className;
  made.textContent = text;
  return made;
}

/* What a rule watches, in words. */
export const sentenceOf = (rule) => `${rule.asset}: ${SENTENCES[rule.kind]?.(rule.params) ?? rule.kind}`;

function item(rule) {
  const row = element("li", "");
  row.dataset.state = rule.state.status;
  const words = element("span", "rule", sentenceOf(rule));
  const fired = rule.last_event ? `last ${clock(rule.last_event.created_at)}` : "not fired yet";
  words.append(element("small", "", `${fired}, dead band ${rule.dead_band_pct}%, ${rule.confirm_s} s`));
  row.append(
    element("i", "dot"), words,
    element("span", "state", STATES[rule.state.status] ?? rule.state.status),
  );
  return row;
}

/* The rules, and the lines that show them. */
async function readRules() {
  const { problem, data, webhooks_on: areOn } = await ask("/api/v1/alerts");
  if (problem?.status === 401 || problem?.status === 403) return [[], [element("li", "empty", REFUSED)]];
  if (problem || !data.length) return [[], [element("li", "empty", NONE)]];
  return [data, [...data.map(item), ...(areOn ? [] : [element("li", "empty", MUTED)])]];
}

/* Keep the list current; a hidden page asks only when it may announce what fires. */
export function watchAlerts(page, everyMs) {
  const announcer = new Announcer(page.preferences);
  const watch = async () => {
    if (!document.hidden || announcer.isOn) {
      const [rules, lines] = await readRules();
      document.getElementById("alert-rows").replaceChildren(...lines);
      announcer.hear(rules.map((rule) => [rule.last_event, sentenceOf(rule)]));
    }
    setTimeout(watch, everyMs);
  };
  watch();
}
