/* Makes elements. Text is text: nothing that a server or user says becomes markup. */

/* `attributes`: names as in HTML; `on` holds listeners by event; children are nodes or text. */
export function make(tag, { on = {}, ...attributes } = {}, ...children) {
  const element = document.createElement(tag);
  for (const [name, value] of Object.entries(attributes)) {
    if (value === true) element.setAttribute(name, "");
    else if (value !== false && value != null) element.setAttribute(name, value);
  }
  for (const [event, listener] of Object.entries(on)) element.addEventListener(event, listener);
  element.append(...children.filter((child) => child != null));
  return element;
}

/* A cell of text, right-aligned by the stylesheet; `tone` colours a sign. */
export const cell = (text, tone = "", className = "") =>
  make("td", { "data-tone": tone || null, class: className || null }, text);

export const row = (...cells) => make("tr", {}, ...cells);

export const fill = (id, ...children) => document.getElementById(id).replaceChildren(...children);

/* Calls at most once every `ms`, with the newest arguments. */
export function calmly(ms, call) {
  let timer = 0;
  let newest = [];
  return (...given) => {
    newest = given;
    if (timer) return;
    timer = setTimeout(() => { timer = 0; call(...newest); }, ms);
  };
}
