/* Gamma in the unit that the user likes. Everything else has one unit. Pure. */

const WORDS = { pct: "$ per 1 %", usd: "$ per $1", coin: "coins per 1 %" };

/* A unit of gamma at a spot: `of(usd per 1 %)` is the number in it. */
export function gammaUnit(name, spotUsd) {
  const of = {
    pct: (gex) => gex,
    usd: (gex) => (gex === null ? null : gex / (spotUsd * 0.01)),
    coin: (gex) => (gex === null ? null : gex / spotUsd),
  }[name];
  return { of, words: WORDS[name], isMoney: name !== "coin" };
}
