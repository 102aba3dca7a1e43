/* Replay. */

export default {
  name: "replay",
};
