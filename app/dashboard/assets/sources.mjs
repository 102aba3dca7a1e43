/* What a view reads: a topic of the stream, or an address of the API asked again and again. */

import { ask } from "./api.mjs";
import { Feed } from "./feed.mjs";
import { unlock } from "./locked.mjs";

const SOON_MS = 250; // until an address that is not known yet is asked for again

const FIRST = "head"; // the source that says whether the selection exists

export const stream = (topic) => ({ key: `stream ${topic}`, topic });

/* `everyMs` null: asked once. With a `body` it is posted. An address that changes with time is a
   function, null while it is not known, and has a `name` that says when it is another one. */
export const read = (path, everyMs = null, body = undefined, name = path) =>
  ({ key: `read ${name} ${JSON.stringify(body)}`, path, everyMs, body });

/* Keeps the newest value of each source that is followed; one that changed starts empty. */
export class Sources {
  #followed = new Map(); // name -> { source, timer }
  #values = new Map(); // name -> message of the stream, or body of the API
  #onNews;
  #feed;

  /* `onNews(name, value)` hears of every value, `onRefusal(text)` of topics not understood. */
  constructor(onNews, onRefusal) {
    this.#onNews = onNews;
    this.#feed = new Feed((message) => this.#receive(message), onRefusal, unlock);
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
    const isUnderstood = this.#values.has(FIRST); // else every address of it would be refused
    const path = isUnderstood && (typeof source.path === "function" ? source.path() : source.path);
    const isWanted = path && !(document.hidden && this.#values.has(name));
    const value = isWanted
      ? await ask(path, { method: source.body ? "POST" : "GET", body: source.body }) : null;
    if (this.#followed.get(name) !== followed) return; // the view went on without it
    if (value) this.#keep(name, value);
    const delay = path ? source.everyMs : SOON_MS;
    if (delay) followed.timer = setTimeout(() => this.#read(name, source), delay);
  }

  #catchUp() {
    if (document.hidden) return;
    for (const [name, { source }] of this.#followed) if (source.everyMs) this.#read(name, source);
  }
}
