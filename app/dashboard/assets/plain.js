/* Draws a tree of HTML that Dash sends as one component; see app/dashboard/plain.py. */

(() => {
  const element = (part) => {
    if (typeof part === "string") return part;
    const [tag, attributes, ...inside] = part;
    return React.createElement(tag, attributes, ...inside.map(element));
  };
  window.gammaflip = { Plain: ({ tree }) => element(tree) };
})();
