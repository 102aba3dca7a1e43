/* About the numbers. */

export default {
  name: "about",
};
