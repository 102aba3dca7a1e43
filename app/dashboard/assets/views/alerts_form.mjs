/* The form of a rule: its kind, the kind's own numbers, how patient it is, whom it tells. */

import { make } from "../dom.mjs";

const WHEN = { name: "when", word: "When", options: [["below", "below"], ["above", "above"]] };
const KINDS = {
  flip_crossed: ["Spot crosses the flip", []],
  regime_changed: ["The gamma regime changes", []],
  level_near: ["Spot comes near a level", [
    { name: "level", word: "Level", options: [["flip", "gamma flip"], ["call_wall", "call wall"], ["put_wall", "put wall"]] },
    { name: "within_pct", word: "Within, %", value: 1 },
  ]],
  net_gex_beyond: ["Net GEX goes beyond", [WHEN, { name: "gex_usd_per_1pct", word: "$ per 1 %", value: 0 }]],
  hedge_flow_beyond: ["Hedge flow goes beyond", [
    { name: "move_pct", word: "On a move of, %", value: -1 }, WHEN, { name: "flow_usd", word: "$, + is buying", value: 0 },
  ]],
  loop_gain_beyond: ["Loop gain goes beyond", [
    { ...WHEN, options: [...WHEN.options].reverse() }, { name: "gain", word: "Gain", value: 0.2 },
    { name: "depth_usd", word: "Depth within 0.5 %, $", value: 30_000_000 },
  ]],
  data_stale: ["Data goes stale", [{ name: "after_s", word: "After, s", value: 10 }]],
};
const PATIENCE = [
  { name: "dead_band_pct", word: "Dead band, %", value: 0.25 },
  { name: "confirm_s", word: "Confirm, s", value: 10 },
  { name: "cooldown_s", word: "Cool down, s", value: 300 },
];

let shownHooks = "";
let isEditing = false;

/* Whether the form lists other webhooks than there are now; never while a rule is edited. */
export const closeForm = {
  isStale: (hooks) => !isEditing && hooks.map(({ id }) => id).join() !== shownHooks,
};

function field({ name, word, value, options }, kept) {
  const input = options
    ? make("select", { name }, ...options.map(([choice, said]) => make("option", { value: choice }, said)))
    : make("input", { name, type: "number", step: "any", required: true });
  input.value = kept ?? value ?? options[0][0];
  return make("label", {}, make("small", {}, word), input);
}

function hookBox(hook, chosen) {
  return make("label", { class: "check" },
    make("input", { type: "checkbox", name: "webhooks", value: hook.id, checked: chosen }), hook.url);
}

const paramsOf = (form, kind) => Object.fromEntries(KINDS[kind][1].map(({ name, options }) =>
  [name, options ? form.get(name) : Number(form.get(name))]));

function bodyOf(form, kind) {
  return {
    params: paramsOf(form, kind),
    webhooks: form.getAll("webhooks"),
    ...Object.fromEntries(PATIENCE.map(({ name }) => [name, Number(form.get(name))])),
  };
}

/* `rule` null makes a new one; `send` and `close` belong to the view. */
export function ruleForm({ page, rule, webhooks, send, close }) {
  isEditing = rule !== null;
  shownHooks = webhooks.map(({ id }) => id).join();
  const own = make("div", { class: "fields" });
  const showOwn = (kind) => own.replaceChildren(...KINDS[kind][1].map((part) => field(part, rule?.params[part.name])));
  const kinds = make("select", { name: "kind", disabled: isEditing, on: { change: ({ target }) => showOwn(target.value) } },
    ...Object.entries(KINDS).map(([value, [word]]) => make("option", { value }, word)));
  kinds.value = rule?.kind ?? "flip_crossed";
  showOwn(kinds.value);
  const submit = async (event) => {
    event.preventDefault();
    const form = new FormData(event.target);
    const body = bodyOf(form, kinds.value);
    const answer = rule
      ? await send(`/alerts/${rule.id}`, "PATCH", body)
      : await send("/alerts", "POST", { ...body, kind: kinds.value, asset: page.shown.asset, ...(page.shown.position && { position: page.shown.position }) });
    if (!answer.problem) close();
  };
  return make("form", { class: "alert-form", on: { submit } },
    make("label", { class: "whole" }, make("small", {}, rule ? `Change the rule on ${rule.asset}` : "New rule on the asset and position model chosen above"), kinds),
    own,
    make("div", { class: "fields" }, ...PATIENCE.map((part) => field(part, rule?.[part.name]))),
    make("fieldset", { class: "whole" }, make("legend", {}, "Tell"),
      ...(webhooks.length ? webhooks.map((hook) => hookBox(hook, rule ? rule.webhooks.includes(hook.id) : webhooks.length === 1))
        : [make("small", {}, "No webhook yet: add one beside, or the rule is only shown here.")])),
    make("span", { class: "acts whole" },
      make("button", { type: "submit", class: "button" }, rule ? "Save rule" : "Add rule"),
      ...(rule ? [make("button", { type: "button", class: "button", on: { click: close } }, "Cancel")] : [])));
}
