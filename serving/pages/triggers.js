// Draws GET /v1/triggers as it comes, and GET /v1/receivers, with the key that somebody gives.

import { ask, at, count, element, fetchWith, forgetKey, onKey, problem, refusalOf, storedKey } from "./parts.js";
import { listen } from "./stream.js";

const SHOWN = 100;
const SINCE_MS = 15 * 60_000; // of what fired before the page was opened
const AGAIN_MS = 2000;

let controller;
let turn = 0;
let total = 0;
let newest; // id of the event that came last: after a break, what follows it is heard

onKey(start);
document.addEventListener("visibilitychange", () => (document.hidden ? controller?.abort() : start()));
start();

async function start() {
  const mine = ++turn;
  controller?.abort();
  const key = storedKey();
  if (!key) return ask();
  followReceivers(key, mine);
  while (mine === turn && !document.hidden) {
    controller = new AbortController();
    const after = newest ?? `${Date.now() - SINCE_MS}-0`;
    const status = await listen(key, `/v1/triggers?after=${after}`, take, controller.signal).catch(() => 0);
    if (mine !== turn) return;
    if (refusalOf(status)) {
      forgetKey();
      return ask(refusalOf(status));
    }
    if (status !== 200) problem(status === 503 ? "Too many listen to this server. Trying again." : "The server does not answer. Trying again.");
    await pause();
  }
}

async function followReceivers(key, mine) {
  while (mine === turn && !document.hidden) {
    const answer = await fetchWith(key, "/v1/receivers").catch(() => null);
    if (mine !== turn) return;
    if (answer?.ok) drawReceivers((await answer.json()).receivers);
    await pause();
  }
}

function pause() {
  return new Promise((done) => setTimeout(done, AGAIN_MS));
}

function show() {
  problem();
  at("ask").hidden = true;
  at("figures").hidden = false;
}

function drawReceivers(receivers) {
  show();
  const names = Object.keys(receivers).sort();
  at("nobody").hidden = names.length > 0;
  at("receivers").replaceChildren(...names.map((name) => receiver(name, receivers[name])));
}

function receiver(name, told) {
  const sentence = stateOf(told);
  const figures = `${count(told.nTaken)} taken · ${count(told.nWaiting)} waiting · ${count(told.nUndelivered)} given up`;
  return element(
    "li",
    { class: sentence.isBad ? "bad" : "", "data-receiver": name },
    element("strong", {}, name),
    element("p", {}, sentence.text),
    element("p", { class: "soft" }, figures),
  );
}

function stateOf({ stoppedAt, isReady, isInForce, last, lastAt, nWaiting }) {
  if (isInForce === false) return { isBad: true, text: "Not in triggers.toml any more: what waited was given up." };
  if (!isReady) return { isBad: true, text: "Its secret cannot be read; messages wait." };
  if (stoppedAt) return { isBad: true, text: `Gone since ${clock(stoppedAt)}: it answered 410, nothing is sent.` };
  if (!lastAt) return { isBad: false, text: "Nothing sent yet." };
  if (last.startsWith("taken")) return { isBad: false, text: `Takes what is sent, last at ${clock(lastAt)}.` };
  return { isBad: true, text: `Last try at ${clock(lastAt)}: ${last}.${nWaiting ? " It is tried again." : ""}` };
}

function take({ data }, name, id) {
  show();
  if (name === "missed") at("missed").hidden = false;
  if (name !== "trigger") return;
  total += 1;
  newest = id;
  at("quiet").hidden = true;
  at("facts").textContent = `${count(total)} fired since this page was opened, and in the quarter of an hour before`;
  at("fired").prepend(fired(data));
  at("fired").children[SHOWN]?.remove();
}

function fired(data) {
  const facts = Object.entries(data.facts).map(([name, fact]) => `${name.replaceAll("_", " ")} ${fact}`);
  const about = [...data.productIds.slice(0, 3), ...facts].join(" · ");
  const shown = Object.entries(data.decision?.placements ?? {}).map(([name, one]) => `${name}: ${contentOf(one)}`);
  return element(
    "li",
    { class: "new" },
    element("time", { datetime: data.firedAt }, clock(Date.parse(data.firedAt))),
    element(
      "div",
      {},
      element("strong", {}, data.trigger),
      element("span", { class: "channel" }, data.channel),
      element("p", {}, `to ${data.userId ?? data.anonymousId ?? "a visitor"}${about ? `, about ${about}` : ""}`),
      ...shown.map((line) => element("p", { class: "soft" }, line)),
    ),
  );
}

function contentOf(one) {
  if (one.type === "products") return one.products.map((product) => product.name ?? product.id).join(", ") || "nothing";
  return one.content?.headline ?? "nothing";
}

function clock(ms) {
  return new Date(ms).toLocaleTimeString();
}
