// What a person sees and tells apart in the page. Prepended to each script that the tests run there.

/** The topmost layer: what lies under a modal dialog takes no clicks and is not read. */
function layer() {
  return [...document.querySelectorAll("dialog[open]")].at(-1) ?? document.body;
}

function tidy(text) {
  return text.replace(/[\s\u00a0]+/g, " ").trim();
}

/** The words on the screen. */
function words(node = layer()) {
  return tidy(node.innerText);
}

/** The accessible name, as far as our page needs it. */
function nameOf(node) {
  const label = node.getAttribute("aria-label");
  if (label !== null) return tidy(label);
  const said = (node.labels?.[0] ?? node).cloneNode(true);
  said.querySelectorAll("[aria-hidden=true], input, select").forEach((part) => part.remove());
  return tidy(said.textContent);
}

const ROLES = {
  button: "button:not([role]), [role=button]",
  link: "a[href]",
  menuitem: "[role=menuitem]",
  tab: "[role=tab]",
  choice: "select",
  field: "input:not([type=file]), textarea",
  file: "input[type=file]",
};

/** The one with this role and name that can be used now; null if there is none or more. */
function only(role, name) {
  const usable = (node) => nameOf(node) === name && !node.disabled && node.checkVisibility();
  const found = [...layer().querySelectorAll(ROLES[role])].filter(usable);
  return found.length === 1 ? found[0] : null;
}

/** The words of the row of a list that this link leads from. */
function row(link) {
  const line = only("link", link)?.closest("li");
  return line ? words(line) : "";
}

/** Calls `done` with what `probe` finds, as soon as it does; with null when it does not for a while. */
function wait(probe, done) {
  const until = Date.now() + 1000;
  const look = () => {
    const found = probe();
    if (found || Date.now() > until) done(found || null);
    else setTimeout(look, 20);
  };
  look();
}
