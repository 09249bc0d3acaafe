// What the pages share: the key that somebody gives, elements, numbers as people read them.

const KEY = "shopkeeper.secretKey";
const SVG = "http://www.w3.org/2000/svg";

export const at = (id) => document.getElementById(id);

export function storedKey() {
  return sessionStorage.getItem(KEY);
}

export function forgetKey() {
  sessionStorage.removeItem(KEY);
}

/** Calls back once somebody has given a key, which stays in this tab. */
export function onKey(back) {
  at("ask").addEventListener("submit", (event) => {
    event.preventDefault();
    sessionStorage.setItem(KEY, at("key").value.trim());
    at("key").value = "";
    back();
  });
}

/** Without credentials of the browser's own, a wrong key brings up no login window of the browser. */
export function fetchWith(key, path, options = {}) {
  return fetch(path, { headers: { authorization: `Bearer ${key}` }, credentials: "omit", ...options });
}

/** Says why a key was refused, null where it was not. */
export function refusalOf(status) {
  if (status === 403) return "That is a write key; the secret key is needed.";
  return status === 401 ? "No such key." : null;
}

export function ask(why) {
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
