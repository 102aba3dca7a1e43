/* Goes to a strike: the shared axis moves so that it stands in the middle. */

/* "95k", "95,000" and "95000" are one strike. */
function parse(text) {
  const [, digits, unit] = /^\s*([\d.,\s]+)(k?)\s*$/i.exec(text) ?? [];
  const value = Number((digits ?? "").replace(/[,\s]/g, "")) * (unit ? 1_000 : 1);
  return value > 0 ? value : null;
}

function build() {
  const dialog = document.createElement("dialog");
  dialog.className = "search";
  dialog.setAttribute("aria-label", "Go to a strike");
  const form = document.createElement("form");
  form.method = "dialog";
  const field = document.createElement("input");
  field.type = "text";
  field.inputMode = "numeric";
  field.placeholder = "Strike, as 95000 or 95k";
  field.setAttribute("aria-label", "Strike");
  form.append(field);
  dialog.append(form);
  document.body.append(dialog);
  return dialog;
}

let dialog = null;

export function askStrike(board, move) {
  if (!board) return;
  dialog ??= build();
  const [form] = dialog.children;
  const [field] = form.children;
  field.value = "";
  form.onsubmit = () => {
    const asked = parse(field.value);
    if (asked === null) return;
    const { strike } = board.strikes;
    const nearest = strike.reduce((a, b) => (Math.abs(b - asked) < Math.abs(a - asked) ? b : a));
    move((window) => {
      const half = (window.range[1] - window.range[0]) / 2;
      window.hold([nearest - half, nearest + half]);
    });
  };
  dialog.showModal();
}
