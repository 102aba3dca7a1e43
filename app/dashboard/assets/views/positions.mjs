/* Position models side by side. */

export default {
  name: "positions",
};
