/* About the numbers: the pages are there; coverage comes with the headline. */

import { cell, fill, row } from "../dom.mjs";
import { age, clock, number } from "../format.mjs";
import { read } from "../sources.mjs";
import { set } from "../text.mjs";

const COUNTS = [
  ["listed", "listed in this selection"], ["used", "used"], ["stale", "used although stale"],
  ["without_iv", "left out: no volatility"], ["rejected", "left out: a value that cannot be"],
  ["gaps", "holes noticed in the feed"],
];
const SOURCES = {
  live: "Deribit, live", testnet: "the exchange\u2019s test system", custom: "another address that speaks the protocol",
  demo: "the local exchange: simulated", replay: "a recording",
};

export default {
  name: "about",

  sources: () => ({ assets: read("/api/v1/assets", 5_000) }),

  gather: (value) => ({ head: value("head"), assets: value("assets") }),

  write({ head, assets }) {
    set("about-source", `Source: ${SOURCES[head.source] ?? head.source}. Status ${head.status}, position model ` +
      `${head.position}, as of ${clock(head.as_of)} UTC.`);
    fill("about-quality", ...COUNTS.map(([name, words]) => row(cell(words), cell(number(head.quality[name], 0)))));
    fill("about-assets", ...(assets?.data ?? []).map((asset) => row(
      cell(asset.asset), cell(asset.status), cell(age(asset.age_ms)), cell(asset.books.join(", ")),
      cell(number(asset.expiries.length, 0)))));
  },
};
