/* Runs before the first paint: the page appears in the user's own theme. */

(() => {
  const kept = (() => {
    try {
      return JSON.parse(localStorage.getItem("gammaflip.preferences")) ?? {};
    } catch {
      return {}; // storage is off, or holds what is not ours
    }
  })();
  const isLight = kept.theme === "light" ||
    (kept.theme === "system" && matchMedia("(prefers-color-scheme: light)").matches);
  const root = document.documentElement;
  // /embed/PANEL is that panel alone, in someone else's page and in the theme that it asks for
  const panel = /^\/embed\/([\w-]+)$/.exec(location.pathname)?.[1];
  if (panel) root.dataset.embed = panel;
  const asked = panel && new URLSearchParams(location.search).get("theme");
  root.dataset.theme = ["light", "dark"].includes(asked) ? asked : isLight ? "light" : "dark";
  root.dataset.palette = kept.palette === "classic" ? "classic" : "safe";
  root.dataset.density = kept.density === "compact" ? "compact" : "comfortable";
})();
