/* Asks the API. An answer is its body; a refusal is `{ problem: { status, title, detail } }`. */

const TOKEN = "gammaflip.token";

/* Kept for this tab; a frame in someone else's page may have no storage: then for this visit. */
let held = "";
const storage = (use) => {
  try {
    return use(sessionStorage);
  } catch {
    return null;
  }
};

export const token = {
  get: () => held || storage((kept) => kept.getItem(TOKEN)),
  set(value) {
    held = value;
    storage((kept) => kept.setItem(TOKEN, value));
  },
};

/* `#token=...` never leaves the browser; it is taken out of the address at once. */
const given = new URLSearchParams(location.hash.slice(1)).get("token");
if (given) {
  token.set(given);
  history.replaceState(null, "", location.pathname + location.search);
}

/* What a socket offers in place of the header that a browser will not let it send. */
export function protocols() {
  const text = token.get();
  if (!text) return [];
  const bytes = String.fromCharCode(...new TextEncoder().encode(text));
  return ["gammaflip", `bearer.${btoa(bytes).replace(/\+/g, "-").replace(/\//g, "_").replace(/=+$/, "")}`];
}

export const isRefused = (value) => [401, 403].includes(value?.problem?.status);

const problem = (status, title, detail = "") => ({ problem: { status, title, detail } });

export async function ask(path, { method = "GET", body } = {}) {
  const headers = {};
  if (token.get()) headers.authorization = `Bearer ${token.get()}`;
  if (body !== undefined) headers["content-type"] = "application/json";
  try {
    const answer = await fetch(path, {
      method, headers, cache: "no-store", body: body === undefined ? undefined : JSON.stringify(body),
    });
    const said = answer.status === 204 ? {} : await answer.json();
    return answer.ok ? said : problem(answer.status, said.title ?? "Refused", said.detail);
  } catch {
    return problem(0, "No answer from the server");
  }
}
