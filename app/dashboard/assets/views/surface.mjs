/* Gamma over spot and time. */

export default {
  name: "surface",
};
