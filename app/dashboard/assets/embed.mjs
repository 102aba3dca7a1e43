/* One panel alone, under /embed/PANEL: no controls, but what the numbers rest on. */

import { make } from "./dom.mjs";
import { age, clock } from "./format.mjs";

const EVERY_MS = 500;

/* The view of the panel that the address names; undefined on the whole page. */
export function embedded() {
  const { embed } = document.documentElement.dataset;
  const panel = embed && document.getElementById(`panel-${embed}`);
  if (!panel) return undefined;
  panel.classList.add("embedded");
  return panel.closest("[data-view]").dataset.view;
}

export function showFacts(page) {
  const { embed } = document.documentElement.dataset;
  if (!embed) return;
  const said = make("span", {});
  const isKnown = document.querySelector(".panel.embedded") !== null;
  document.getElementById("board").append(make("div", { id: "embed-facts" }, said,
    make("a", { href: "/", target: "_blank", rel: "noopener" }, "gammaflip")));
  setInterval(() => {
    const { header } = page;
    const words = !isKnown ? `There is no panel called ${embed}.` : !header?.as_of ? "waiting for numbers"
      : `${header.asset} \u00B7 source ${header.source} \u00B7 status ${header.status} \u00B7 as of ${clock(header.as_of)} UTC ` +
        `(${age(header.age_ms)} old) \u00B7 position ${header.position} (assumed)`;
    if (said.textContent !== words) said.textContent = words;
  }, EVERY_MS);
}
