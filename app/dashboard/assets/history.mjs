/* Spot and flip since the page was opened, thinned as it grows: memory stays bounded. */

const MOST_POINTS = 2_400;
const FIRST_STEP_MS = 1_000;
const MOST_TOPICS = 12;

class Path {
  at = [];
  spot = [];
  flip = [];
  #stepMs = FIRST_STEP_MS;

  add(asOf, spot, flip) {
    const last = this.at.at(-1);
    if (asOf < last) this.at.length = this.spot.length = this.flip.length = 0; // a replay restarted
    else if (asOf - last < this.#stepMs) return;
    this.at.push(asOf);
    this.spot.push(spot);
    this.flip.push(flip);
    if (this.at.length > MOST_POINTS) this.#thin();
  }

  #thin() {
    this.#stepMs *= 2;
    for (const name of ["at", "spot", "flip"]) {
      this[name] = this[name].filter((_, i) => i % 2 === 0);
    }
  }
}

export class Paths {
  #paths = new Map();

  of(topic) {
    const path = this.#paths.get(topic) ?? new Path();
    this.#paths.delete(topic);
    this.#paths.set(topic, path); // newest use last
    if (this.#paths.size > MOST_TOPICS) this.#paths.delete(this.#paths.keys().next().value);
    return path;
  }
}
