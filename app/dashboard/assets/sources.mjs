/* What a view reads: a topic of the stream, or an address of the API asked again and again. */

import { ask } from "./api.mjs";
import { Feed } from "./feed.mjs";

export const stream = (topic) => ({ key: `stream ${topic}`, topic });

/* `everyMs` null: asked once. With a `body` it is posted. */
export const read = (path, everyMs = null, body = undefined) =>
  ({ key: `read ${path} ${JSON.stringify(body)}`, path, everyMs, body });

/* Keeps the newest value of each source that is followed; one that changed starts empty. */
export class Sources {
  #followed = new Map(); // name -> { source, timer }
  #values = new Map(); // name -> message of the stream, or body of the API
  #onNews;
  #feed;

  /* `onNews(name, value)` hears of every value, `onRefusal(text)` of topics not understood. */
  constructor(onNews, onRefusal) {
    this.#onNews = onNews;
    this.#feed = new Feed((message) => this.#receive(message), onRefusal);
    document.addEventListener("visibilitychange", () => this.#catchUp());
  }

  /* Every value by name, or null while one is missing or refused. */
  values() {
    const complete = [...this.#followed.keys()].every((name) => this.#values.get(name)?.data != null);
    return complete ? Object.fromEntries(this.#values) : null;
  }

  value(name) {
    return this.#values.get(name) ?? null;
  }

  follow(sources) {
    const wanted = Object.entries(sources);
    for (const [name, { source, timer }] of this.#followed) {
      if (sources[name]?.key === source.key) continue;
      clearTimeout(timer);
      this.#followed.delete(name);
      this.#values.delete(name);
    }
    const added = wanted.filter(([name]) => !this.#followed.has(name));
    for (const [name, source] of added) this.#followed.set(name, { source, timer: 0 });
    this.#feed.follow(wanted.map(([, source]) => source.topic).filter(Boolean));
    for (const [name, source] of added) if (source.path) this.#read(name, source);
  }

  /* Ask a source of the API again now, as after a change of what it lists. */
  refresh(name) {
    const followed = this.#followed.get(name);
    if (followed?.source.path) this.#read(name, followed.source);
  }

  #receive(message) {
    for (const [name, { source }] of this.#followed) {
      if (source.topic === message.topic) this.#keep(name, message);
    }
  }

  #keep(name, value) {
    this.#values.set(name, value);
    this.#onNews(name, value);
  }

  async #read(name, source) {
    const followed = this.#followed.get(name);
    clearTimeout(followed.timer);
    const value = document.hidden && this.#values.has(name) ? null
      : await ask(source.path, { method: source.body ? "POST" : "GET", body: source.body });
    if (this.#followed.get(name) !== followed) return; // the view went on without it
    if (value) this.#keep(name, value);
    if (source.everyMs) followed.timer = setTimeout(() => this.#read(name, source), source.everyMs);
  }

  #catchUp() {
    if (document.hidden) return;
    for (const [name, { source }] of this.#followed) if (source.everyMs) this.#read(name, source);
  }
}
