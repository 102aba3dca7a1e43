/* How the user likes the page, kept in this browser. What is shown is in the URL instead. */

const KEY = "gammaflip.preferences";
const CHOICES = {
  unit: ["pct", "usd", "coin"],
  sides: ["split", "net", "absolute"],
  scale: ["root", "linear", "log"],
  theme: ["dark", "light", "system"],
  palette: ["safe", "classic"],
  density: ["comfortable", "compact"],
  notify: ["off", "on"],
  sound: ["off", "on"],
};
const systemIsLight = matchMedia("(prefers-color-scheme: light)");

export class Preferences {
  #kept = {};
  #onChange;

  /* `onChange(name)` hears of every change, also of the system's theme and of other tabs. */
  constructor(onChange) {
    this.#onChange = onChange;
    this.#load();
    systemIsLight.addEventListener("change", () => this.#apply("theme"));
    addEventListener("storage", ({ key }) => {
      if (key !== KEY) return;
      this.#load();
      this.#apply("theme");
    });
  }

  has(name) {
    return name in CHOICES;
  }

  get(name) {
    const kept = this.#kept[name];
    return CHOICES[name].includes(kept) ? kept : CHOICES[name][0];
  }

  set(name, value) {
    if (!CHOICES[name].includes(value)) return;
    this.#kept = { ...this.#kept, [name]: value };
    try {
      localStorage.setItem(KEY, JSON.stringify(this.#kept));
    } catch {
      // Storage is off: the choice holds until the page is closed.
    }
    this.#apply(name);
  }

  #load() {
    try {
      this.#kept = JSON.parse(localStorage.getItem(KEY)) ?? {};
    } catch {
      this.#kept = {};
    }
  }

  #apply(name) {
    const theme = this.get("theme");
    const isLight = theme === "light" || (theme === "system" && systemIsLight.matches);
    const { dataset } = document.documentElement;
    Object.assign(dataset, {
      theme: isLight ? "light" : "dark", palette: this.get("palette"), density: this.get("density"),
    });
    this.#onChange(name);
  }
}
