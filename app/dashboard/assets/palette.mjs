/* The theme's colours as the charts need them: `var(--name)` in a figure becomes its value. */

const TOKEN = /^var\(--([\w-]+)\)$/;

function resolver() {
  const style = getComputedStyle(document.documentElement);
  const known = new Map();
  return (name) => {
    if (!known.has(name)) known.set(name, style.getPropertyValue(`--${name}`).trim());
    return known.get(name);
  };
}

/* A copy of a skeleton with every token replaced. */
export function coloured(part, colour = resolver()) {
  if (typeof part === "string") {
    const token = TOKEN.exec(part);
    return token ? colour(token[1]) : part;
  }
  if (Array.isArray(part)) return part.map((item) => coloured(item, colour));
  if (part && typeof part === "object") {
    return Object.fromEntries(
      Object.entries(part).map(([key, value]) => [key, coloured(value, colour)]),
    );
  }
  return part;
}
