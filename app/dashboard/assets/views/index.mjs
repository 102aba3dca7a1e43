/* The views by name. One module a view; docs/page.md says what it may hold. */

import about from "./about.mjs";
import alerts from "./alerts.mjs";
import board from "./board.mjs";
import feedback from "./feedback.mjs";
import positions from "./positions.mjs";
import replay from "./replay.mjs";
import surface from "./surface.mjs";
import whatif from "./whatif.mjs";

export const VIEWS = Object.fromEntries(
  [board, positions, surface, whatif, feedback, replay, alerts, about].map((view) => [view.name, view]),
);
