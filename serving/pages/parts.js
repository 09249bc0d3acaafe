// What the pages share: the key that somebody gives, asking again and again, elements, numbers as people read them.

const KEY = "shopkeeper.secretKey";
const AGAIN_MS = 2000;
const SVG = "http://www.w3.org/2000/svg";

export const at = (id) => document.getElementById(id);

/**
 * Asks for a key, and calls each of `tasks` with it and a signal, again and again while somebody looks. They
 * resolve to the status of an answer and what it says where it went wrong, which of the first one is shown.
 */
export function follow(...tasks) {
  let controller = new AbortController();
  const start = () => {
    controller.abort();
    const key = sessionStorage.getItem(KEY);
    if (!key) return ask();
    if (document.hidden) return;
    controller = new AbortController();
    tasks.forEach((task, place) => repeat(task, key, controller, place === 0));
  };
  at("problem").before(form(start));
  document.addEventListener("visibilitychange", start);
  start();
}

async function repeat(task, key, controller, isShown) {
  while (!controller.signal.aborted) {
    const { status, detail } = await task(key, controller.signal).catch(() => ({ status: 0 }));
    if (controller.signal.aborted) return;
    const refusal = refusalOf(status);
    if (refusal) {
      controller.abort();
      sessionStorage.removeItem(KEY);
      return ask(refusal);
    }
    if (isShown) problem(status === 200 ? null : `${detail ?? "The server does not answer"}. Trying again.`);
    await new Promise((done) => setTimeout(done, AGAIN_MS));
  }
}

function form(start) {
  const key = element("input", { id: "key", type: "password", autocomplete: "off", spellcheck: "false", required: "", placeholder: "sk_…" });
  const made = element(
    "form",
    { id: "ask", hidden: "" },
    element("label", { for: "key" }, "Secret key of the shop"),
    element("div", { class: "field" }, key, element("button", {}, "Show figures")),
    element("p", { class: "soft" }, "It stays in this tab, and is gone when you close it."),
  );
  made.addEventListener("submit", (event) => {
    event.preventDefault();
    sessionStorage.setItem(KEY, key.value.trim());
    key.value = "";
    start();
  });
  return made;
}

/** Without credentials of the browser's own, a wrong key brings up no login window of the browser. */
export function fetchWith(key, path, options = {}) {
  return fetch(path, { headers: { authorization: `Bearer ${key}` }, credentials: "omit", ...options });
}

/** Says why a key was refused, null where it was not. */
function refusalOf(status) {
  if (status === 403) return "That is a write key; the secret key is needed.";
  return status === 401 ? "No such key." : null;
}

export function show() {
  at("ask").hidden = true;
  at("figures").hidden = false;
}

function ask(why) {
  at("figures").hidden = true;
  at("ask").hidden = false;
  problem(why);
  at("key").focus();
}

export function problem(text) {
  at("problem").hidden = !text;
  at("problem").textContent = text ?? "";
}

export function element(tag, attributes, ...children) {
  return filled(document.createElement(tag), attributes, children);
}

export function shape(tag, attributes, ...children) {
  return filled(document.createElementNS(SVG, tag), attributes, children);
}

function filled(made, attributes, children) {
  for (const [key, value] of Object.entries(attributes)) made.setAttribute(key, value);
  made.append(...children);
  return made;
}

export function count(number) {
  return number.toLocaleString("en", { maximumFractionDigits: number < 10 ? 1 : 0 });
}

export function money(amount) {
  return amount.toLocaleString("en", { minimumFractionDigits: 2, maximumFractionDigits: 2 });
}

export function percent(share) {
  return `${(100 * share).toLocaleString("en", { maximumFractionDigits: 1 })}\u00a0%`;
}

/** Milliseconds to three digits, seconds from a thousand on. */
export function duration(ms) {
  if (ms === null || ms === undefined) return "–";
  if (ms >= 1000) return `${(ms / 1000).toPrecision(3)}\u00a0s`;
  return `${ms >= 100 ? Math.round(ms) : Number(ms.toPrecision(ms < 1 ? 2 : 3))}\u00a0ms`;
}

export function bytes(number) {
  const power = Math.min(Math.floor(Math.log(Math.max(number, 1)) / Math.log(1024)), 4);
  return `${Number((number / 1024 ** power).toPrecision(3))}\u00a0${["B", "KiB", "MiB", "GiB", "TiB"][power]}`;
}
