/* How far the index is from where it was a day ago, by the board's own history. */

import { ask } from "./api.mjs";
import { UNKNOWN, isKnown, percent } from "./format.mjs";
import { set, toneOf } from "./text.mjs";

const DAY_MS = 86_400_000;
const MINUTE_MS = 60_000;
const LATEST = 10; // minutes after the instant a day ago that still count, where some are missing

export class DayChange {
  #asset = null;
  #before = null; // USD, null while unknown
  #askedAt = -Infinity;

  show({ asset, as_of: now, spot_usd: spot }) {
    if (asset !== this.#asset) this.#forget(asset);
    if (performance.now() - this.#askedAt > MINUTE_MS) this.#ask(asset, now);
    const change = isKnown(this.#before) ? spot / this.#before - 1 : null;
    set("spot-change", change === null ? `24 h ${UNKNOWN}` : percent(change, 2), toneOf(change));
  }

  #forget(asset) {
    this.#asset = asset;
    this.#before = null;
    this.#askedAt = -Infinity;
  }

  async #ask(asset, now) {
    this.#askedAt = performance.now();
    const from = now - DAY_MS;
    const { data } = await ask(`/api/v1/${asset}/history?from=${from}&to=${from + LATEST * MINUTE_MS}&points=${LATEST}`);
    if (asset === this.#asset) this.#before = data?.[0]?.spot_usd ?? null;
  }
}
