/* Alerts: rules, webhooks and the delivery log; every change goes through the API. */

import { sentenceOf } from "../alerts.mjs";
import { ask, isRefused } from "../api.mjs";
import { cell, fill, make, row } from "../dom.mjs";
import { clock } from "../format.mjs";
import { askForToken } from "../locked.mjs";
import { read } from "../sources.mjs";
import { set } from "../text.mjs";
import { closeForm, ruleForm } from "./alerts_form.mjs";

const EVERY_MS = 5_000;
const LISTS = { rules: "/api/v1/alerts", webhooks: "/api/v1/webhooks", log: "/api/v1/deliveries?limit=50" };
const STATES = {
  armed: "armed", confirming: "confirming", unarmed: "arming", frozen: "frozen: no trustworthy data", disabled: "off",
};
const TONES = { delivered: "good", pending: "", failed: "warning", dead: "alarm" };
const FORMATS = [
  ["standard", "Standard Webhooks (signed JSON)"], ["slack", "Slack"], ["discord", "Discord"], ["telegram", "Telegram (?chat_id=\u2026)"],
];

let page = null;
let timer = 0;
let written = ""; // the lists as they are on the page
let trouble = null; // what the server answered to the last change

/* Send a change; the lists are read again, and a refusal is said in the notice. */
export async function send(path, method, body) {
  const answer = await ask(`/api/v1${path}`, { method, body });
  trouble = answer.problem ?? null;
  refresh();
  return answer;
}

function refresh() {
  for (const name of Object.keys(LISTS)) page.refresh(name);
}

const button = (word, act, label = word) =>
  make("button", { type: "button", class: "small-button", "aria-label": label, on: { click: act } }, word);

/* A second press within a few seconds is meant. */
function careful(word, act, label) {
  const made = button(word, () => {
    if (made.dataset.sure) return act();
    made.dataset.sure = "yes";
    made.textContent = "Sure?";
    setTimeout(() => { delete made.dataset.sure; made.textContent = word; }, 4_000);
    return undefined;
  }, label);
  return made;
}

function ruleItem(rule, webhooks) {
  const path = `/alerts/${rule.id}`;
  const words = sentenceOf(rule);
  const told = rule.webhooks.map((id) => webhooks.find((hook) => hook.id === id)?.url ?? id);
  const fired = rule.last_event ? `last fired ${clock(rule.last_event.created_at)}` : "never fired";
  return make("li", { "data-state": rule.state.status },
    make("strong", {}, words),
    make("span", { class: "state" }, STATES[rule.state.status]),
    make("small", {}, `${rule.position ?? "the board\u2019s own position model"} \u00B7 dead band ${rule.dead_band_pct} % \u00B7 ` +
      `confirmed for ${rule.confirm_s} s \u00B7 at most every ${rule.cooldown_s} s \u00B7 ${fired}`),
    make("small", {}, told.length ? `tells ${told.join(", ")}` : "tells nobody: no webhook chosen"),
    make("span", { class: "acts" },
      button("Edit", () => edit(rule), `Edit ${words}`),
      button(rule.enabled ? "Turn off" : "Turn on", () => send(path, "PATCH", { enabled: !rule.enabled })),
      careful("Delete", () => send(path, "DELETE"), `Delete ${words}`)));
}

function edit(rule = null) {
  const webhooks = page.value("webhooks")?.data ?? [];
  fill("alerts-rule-form", ruleForm({ page, rule, webhooks, send, close: () => edit() }));
  if (rule) document.getElementById("alerts-rule-form").scrollIntoView({ block: "nearest" });
}

function health(hook) {
  if (!hook.enabled) return [`off: ${hook.disabled_reason ?? "turned off"}`, "alarm"];
  if (hook.failures_in_row) return [`${hook.failures_in_row} failures in a row`, "warning"];
  return ["healthy", "good"];
}

function webhookItem(hook) {
  const path = `/webhooks/${hook.id}`;
  const [words, tone] = health(hook);
  return make("li", {},
    make("strong", { class: "url" }, hook.url),
    make("span", { class: "state", "data-tone": tone }, words),
    make("small", {}, `${hook.format}${hook.description ? ` \u00B7 ${hook.description}` : ""} \u00B7 since ${clock(hook.created_at)}`),
    make("span", { class: "acts" },
      button("Test", () => send(`${path}/test`, "POST"), `Send a test to ${hook.url}`),
      button(hook.enabled ? "Turn off" : "Turn on", () => send(path, "PATCH", { enabled: !hook.enabled })),
      careful("New secret", async () => showSecret(await send(`${path}/rotate`, "POST")), `New secret for ${hook.url}`),
      careful("Delete", () => send(path, "DELETE"), `Delete ${hook.url}`)));
}

/* The secret is in one answer and in no other: it stays on screen until it is put away. */
function showSecret(answer) {
  if (!answer.secret) return;
  const place = document.getElementById("alerts-secret");
  const away = () => { place.hidden = true; place.replaceChildren(); };
  place.replaceChildren(
    make("strong", {}, "Signing secret, shown this once"),
    make("code", {}, answer.secret),
    make("small", {}, "Check webhook-signature with it (Standard Webhooks). It cannot be read again, only replaced."),
    make("span", { class: "acts" },
      button("Copy", async (event) => {
        await navigator.clipboard?.writeText(answer.secret);
        event.target.textContent = "Copied";
      }),
      button("I have kept it", away)));
  place.hidden = false;
}

function webhookForm() {
  const submit = async (event) => {
    event.preventDefault();
    const fields = new FormData(event.target);
    const form = event.target;
    const answer = await send("/webhooks", "POST", Object.fromEntries(fields));
    if (answer.problem) return;
    form.reset();
    showSecret(answer);
  };
  return make("form", { class: "alert-form", on: { submit } },
    make("label", { class: "whole" }, make("small", {}, "Address"),
      make("input", { name: "url", type: "url", required: true, maxlength: 2048, placeholder: "public, encrypted: https" })),
    make("label", { class: "two" }, make("small", {}, "Format"),
      make("select", { name: "format" }, ...FORMATS.map(([value, word]) => make("option", { value }, word)))),
    make("label", {}, make("small", {}, "Description"),
      make("input", { name: "description", type: "text", maxlength: 200, placeholder: "optional" })),
    make("button", { type: "submit", class: "button" }, "Add webhook"));
}

function logRow(delivery, webhooks) {
  const url = webhooks.find((hook) => hook.id === delivery.webhook_id)?.url ?? delivery.webhook_id;
  const next = delivery.status === "failed" ? `next try ${clock(delivery.next_attempt_at)}` : "";
  const canSend = delivery.status === "dead" || delivery.status === "delivered";
  return row(
    cell(clock(delivery.created_at)),
    cell(delivery.event_type),
    make("td", { class: "url", title: url }, url),
    cell(delivery.status, TONES[delivery.status], "strong"),
    cell(String(delivery.attempts)),
    cell(delivery.last_status_code ? String(delivery.last_status_code) : "\u2013"),
    cell([delivery.last_error, next].filter(Boolean).join(" \u00B7 "), "", "wide"),
    make("td", {}, canSend ? button("Send again", () => send(`/deliveries/${delivery.id}/redeliver`, "POST")) : ""));
}

/* Once a token exists the lists need it: ask once, keep it for this tab. */
function showToken(isNeeded) {
  const place = document.getElementById("alerts-token");
  if (place.hidden === !isNeeded) return;
  place.hidden = !isNeeded;
  if (isNeeded) askForToken(place, "Rules and webhooks are kept behind a token.", refresh);
}

/* Read the lists again in a while; behind a token not before one is given. */
function later(isLocked) {
  if (isLocked) stop();
  else timer ||= setTimeout(() => { timer = 0; refresh(); }, EVERY_MS);
}

function stop() {
  clearTimeout(timer);
  timer = 0;
}

export default {
  name: "alerts",

  sources: () => Object.fromEntries(Object.entries(LISTS).map(([name, path]) => [name, read(path)])),

  gather(value) {
    const found = Object.fromEntries(Object.keys(LISTS).map((name) => [name, value(name)]));
    return found.rules ? found : null;
  },

  write({ rules, webhooks, log }) {
    const isLocked = isRefused(rules);
    showToken(isLocked);
    later(isLocked);
    const hooks = webhooks?.data ?? [];
    const lists = JSON.stringify([rules.data, hooks, log?.data]);
    if (lists === written) return; // a button that is made anew loses a press
    written = lists;
    fill("alerts-webhooks", ...hooks.map(webhookItem));
    fill("alerts-rules", ...(rules.data ?? []).map((rule) => ruleItem(rule, hooks)));
    fill("alerts-log", ...(log?.data ?? []).map((line) => logRow(line, hooks)));
    set("alerts-log-words", isLocked || log?.data?.length ? "" : "Nothing was sent yet. Press Test on a webhook.");
    if (!document.getElementById("alerts-rule-form").firstChild || closeForm.isStale(hooks)) edit();
  },

  notice() {
    if (trouble) return `${trouble.title}: ${trouble.detail}`;
    const rules = page?.value("rules");
    if (rules?.problem && !isRefused(rules)) return `${rules.problem.title}: ${rules.problem.detail}`;
    return rules?.data && !rules.webhooks_on ? "Simulated data: rules run, but only tests are delivered." : null;
  },

  attach(opened) {
    page = opened;
    fill("alerts-webhook-form", webhookForm());
  },

  leave() {
    stop();
    trouble = null;
  },
};
