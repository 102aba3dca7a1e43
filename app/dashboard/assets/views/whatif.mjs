/* What if. */

export default {
  name: "whatif",
};
