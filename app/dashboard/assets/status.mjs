/* How far the numbers may be trusted right now, in words. Pure. */

import { age, isKnown } from "./format.mjs";

const SILENT_MS = 5_000;
const SIMULATED = { demo: "DEMO", replay: "REPLAY", testnet: "TESTNET" };

const steps = (progress) => Object.entries(progress ?? {})
  .map(([step, done]) => `${done ? "\u2713" : "\u2026"} ${step.replaceAll("_", " ")}`)
  .join("   ");

/* Judged by the age of messages, never by the state of the socket.

   `header` of the newest message or null; `silenceMs` since it came; `waitedMs` since the page
   began to listen. */
export function judge(header, silenceMs, waitedMs) {
  if (!header) {
    const notice = waitedMs > SILENT_MS ? "No answer from the server. Trying again." : null;
    return { state: notice ? "stale" : "connecting", word: notice ? "OFFLINE" : "CONNECTING", ageMs: NaN, notice };
  }
  const ageMs = isKnown(header.age_ms) ? header.age_ms + silenceMs : NaN;
  if (silenceMs > SILENT_MS) {
    const notice = `Stale: no message from the server for ${age(silenceMs)}. Reconnecting; ` +
      "the numbers below are the last ones known.";
    return { state: "stale", word: "STALE", ageMs, notice };
  }
  switch (header.status) {
    case "stale": {
      const notice = `Stale: the exchange feed is silent, its newest price is ${age(ageMs)} old. ` +
        "The board recovers by itself.";
      return { state: "stale", word: "STALE", ageMs, notice };
    }
    case "maintenance":
      return { state: "stale", word: "MAINTENANCE", ageMs, notice: "The exchange is in maintenance. The numbers below are the last ones known." };
    case "starting":
      return { state: "connecting", word: "STARTING", ageMs, notice: `Starting.   ${steps(header.progress)}` };
    default: {
      const simulated = SIMULATED[header.source];
      return { state: simulated ? "simulated" : "live", word: simulated ?? "LIVE", ageMs, notice: null };
    }
  }
}
