/* Asks for the token of a board that keeps something behind one. */

import { ask, isRefused, token } from "./api.mjs";
import { make } from "./dom.mjs";

/* Fill an empty place with the question; `use()` is called once a token was given. */
export function askForToken(place, words, use) {
  const id = `${place.id}-input`;
  const submit = (event) => {
    event.preventDefault();
    token.set(new FormData(event.target).get("token").trim());
    use();
  };
  place.hidden = false;
  place.replaceChildren(make("form", { class: "token-form", on: { submit } },
    make("label", { for: id }, `${words} It stays in this tab only.`),
    make("input", { id, name: "token", type: "password", required: true, autocomplete: "off", placeholder: "bearer token" }),
    make("button", { type: "submit", class: "button" }, "Use token")));
}

/* The stream was closed before it said a word: find out whether it wants a token. */
export async function unlock() {
  const place = document.getElementById("locked");
  if (!place.hidden || !isRefused(await ask("/api/v1/assets"))) return;
  askForToken(place, "This board shows its numbers to those who hold its token.", () => location.reload());
}
