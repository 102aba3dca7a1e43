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
  root.dataset.theme = isLight ? "light" : "dark";
  root.dataset.palette = kept.palette === "classic" ? "classic" : "safe";
  root.dataset.density = kept.density === "compact" ? "compact" : "comfortable";
})();
