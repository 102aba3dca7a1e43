/* Alert rules. */

export default {
  name: "alerts",
};
