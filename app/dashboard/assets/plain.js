/* Draws a tree of HTML that Dash sends as one component; see app/dashboard/plain.py. */

(() => {
  const listed = (children) => (children == null ? [] : Array.isArray(children) ? children : [children]);
  const element = (part) => {
    if (typeof part !== "object") return part;
    const { children, ...attributes } = part.props;
    return React.createElement(part.type.toLowerCase(), attributes, ...listed(children).map(element));
  };
  window.gammaflip = { Plain: ({ tree }) => element(tree) };
})();
