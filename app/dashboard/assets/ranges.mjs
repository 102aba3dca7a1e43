/* Ranges that hold still: the shared strike window and value axes that follow without jitter. */

const NARROWEST = 0.04;
const WIDEST = 0.18;
const SHARE = 0.9; // of gross exposure that the window should show

/* Half-width around spot, as a log return, that holds most of the exposure and the flip. */
function reach(data) {
  const spot = data.header.spot_usd;
  const { strike, call_gex_usd_per_1pct: calls, put_gex_usd_per_1pct: puts } = data.strikes;
  const sized = strike
    .map((k, i) => [Math.abs(Math.log(k / spot)), Math.abs(calls[i]) + Math.abs(puts[i])])
    .sort((a, b) => a[0] - b[0]);
  const gross = sized.reduce((sum, [, size]) => sum + size, 0);
  let seen = 0;
  const found = sized.find(([, size]) => (seen += size) >= SHARE * gross);
  const flip = data.levels.flip_usd ? Math.abs(Math.log(data.levels.flip_usd / spot)) + 0.01 : 0;
  const wanted = Math.max(found ? found[0] : WIDEST, flip <= WIDEST ? flip : 0);
  return Math.min(WIDEST, Math.max(NARROWEST, wanted));
}

const around = (data) => {
  const half = Math.exp(reach(data));
  return [data.header.spot_usd / half, data.header.spot_usd * half];
};

/* The strike axis: refitted when spot leaves its middle, never while the user holds it. */
class StrikeWindow {
  range = null;
  isHeld = false;
  version = 0; // a new one makes Plotly forget its own idea of the range

  reset() {
    this.range = null;
    this.isHeld = false;
    this.version += 1;
  }

  hold(range) {
    this.range = range;
    this.isHeld = true;
    this.version += 1;
  }

  fit(data) {
    if (this.isHeld) return;
    const spot = data.header.spot_usd;
    const at = this.range && (spot - this.range[0]) / (this.range[1] - this.range[0]);
    if (this.range && at > 0.3 && at < 0.7) return;
    this.range = around(data);
    this.version += 1;
  }

  zoom(factor, centre) {
    const [low, high] = this.range;
    this.hold([centre - (centre - low) * factor, centre + (high - centre) * factor]);
  }
}

/* A value axis grows at once and shrinks only when most of it is empty. */
class SteadyRanges {
  #kept = new Map();

  reset() {
    this.#kept.clear();
  }

  of(key, low, high) {
    const kept = this.#kept.get(key);
    if (kept && low >= kept[0] && high <= kept[1] && high - low > 0.55 * (kept[1] - kept[0])) {
      return kept;
    }
    const margin = (high - low || Math.abs(high) || 1) * 0.09;
    const range = [low - margin, high + margin];
    this.#kept.set(key, range);
    return range;
  }
}

export { SteadyRanges, StrikeWindow };
