/* Asks the API. An answer is its body; a refusal is `{ problem: { status, title, detail } }`. */

const TOKEN = "gammaflip.token";

export const token = {
  get: () => sessionStorage.getItem(TOKEN),
  set: (value) => sessionStorage.setItem(TOKEN, value),
};

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
