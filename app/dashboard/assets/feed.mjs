/* One websocket, newest messages only. Silence is a fault: reconnect with backoff. */

import { protocols } from "./api.mjs";

const SILENCE_MS = 5_000;
const FIRST_DELAY_MS = 500;
const LONGEST_DELAY_MS = 8_000;
const RETRY_TOPIC_MS = 1_000;

export class Feed {
  #socket = null;
  #topics = [];
  #failures = 0;
  #heardAt = performance.now(); // of the socket: any frame proves that it lives
  #waiting = 0;

  /* `onMessage(message)` gets messages of the wanted topics, `onError(text)` refusals; `onShut()`
     hears of a socket that closed before it opened. */
  constructor(onMessage, onError, onShut) {
    this.onMessage = onMessage;
    this.onError = onError;
    this.onShut = onShut;
    setInterval(() => this.#watch(), 500);
    addEventListener("online", () => this.#topics.length && this.#reconnect(0));
  }

  follow(topics) {
    const old = this.#topics.filter((topic) => !topics.includes(topic));
    const added = topics.filter((topic) => !this.#topics.includes(topic));
    this.#topics = topics;
    if (this.#socket?.readyState === WebSocket.OPEN) {
      if (old.length + added.length) this.#send({ unsubscribe: old, subscribe: added });
    } else if (!this.#socket) {
      this.#connect();
    }
  }

  #send(request) {
    this.#socket.send(JSON.stringify(request));
  }

  #connect() {
    clearTimeout(this.#waiting);
    this.#waiting = 0;
    this.#heardAt = performance.now();
    const scheme = location.protocol === "https:" ? "wss:" : "ws:";
    const socket = new WebSocket(`${scheme}//${location.host}/api/v1/stream`, protocols());
    this.#socket = socket;
    let isOpened = false;
    socket.onopen = () => { isOpened = true; this.#ask(); };
    socket.onmessage = (event) => this.#receive(event.data);
    socket.onclose = () => {
      if (!isOpened) this.onShut();
      this.#reconnect();
    };
  }

  #receive(text) {
    this.#heardAt = performance.now();
    const message = JSON.parse(text);
    if (message.error !== undefined) {
      this.onError(message.error);
      setTimeout(() => this.#ask(), RETRY_TOPIC_MS);
    } else if (this.#topics.includes(message.topic)) {
      this.#failures = 0;
      this.onMessage(message);
    }
  }

  #ask() {
    if (this.#socket?.readyState === WebSocket.OPEN) this.#send({ subscribe: this.#topics });
  }

  #reconnect(delay = this.#delay()) {
    if (this.#socket) {
      this.#socket.onopen = this.#socket.onmessage = this.#socket.onclose = null;
      this.#socket.close();
      this.#socket = null;
    }
    clearTimeout(this.#waiting);
    this.#waiting = setTimeout(() => this.#connect(), delay);
  }

  #delay() {
    const longest = Math.min(LONGEST_DELAY_MS, FIRST_DELAY_MS * 2 ** this.#failures);
    this.#failures += 1;
    return longest * (0.5 + Math.random() / 2);
  }

  #watch() {
    if (this.#socket && performance.now() - this.#heardAt > SILENCE_MS) this.#reconnect();
  }
}
