// Draws GET /v1/triggers as it comes, and GET /v1/receivers, with the key that somebody gives.

import { at, count, element, fetchWith, follow, show } from "./parts.js";
import { listen } from "./stream.js";

const SHOWN = 100;
const SINCE_MS = 15 * 60_000; // of what fired before the page was opened

let total = 0;
let newest = 0; // of what is shown: heard again after a break, it is not shown again
const seen = new Set();

follow(hear, askReceivers);

function hear(key, signal) {
  return listen(key, `/v1/triggers?after=${newest || Date.now() - SINCE_MS}-0`, take, signal);
}

async function askReceivers(key, signal) {
  const answer = await fetchWith(key, "/v1/receivers", { signal });
  if (answer.ok) drawReceivers((await answer.json()).receivers);
  return { status: answer.status };
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

function stateOf({ stoppedAt, isReady, last, lastAt, nWaiting }) {
  if (!isReady) return { isBad: true, text: "Its secret cannot be read; messages wait." };
  if (stoppedAt) return { isBad: true, text: `Gone since ${clock(stoppedAt)}: it answered 410, nothing is sent.` };
  if (!lastAt) return { isBad: false, text: "Nothing sent yet." };
  if (last.startsWith("taken")) return { isBad: false, text: `Takes what is sent, last at ${clock(lastAt)}.` };
  return { isBad: true, text: `Last try at ${clock(lastAt)}: ${last}.${nWaiting ? " It is tried again." : ""}` };
}

function take({ data }) {
  if (!data || seen.has(data.id)) return;
  show();
  seen.add(data.id);
  total += 1;
  newest = Math.max(newest, Date.parse(data.firedAt) - 1000);
  at("quiet").hidden = true;
  at("facts").textContent = `${count(total)} fired since this page was opened, and in the quarter of an hour before`;
  at("fired").prepend(fired(data));
  const last = at("fired").children[SHOWN];
  if (last) {
    seen.delete(last.dataset.id);
    last.remove();
  }
}

function fired(data) {
  const facts = Object.entries(data.facts).map(([name, fact]) => `${name.replaceAll("_", " ")} ${fact}`);
  const about = [...data.productIds.slice(0, 3), ...facts].join(" · ");
  const shown = Object.entries(data.decision?.placements ?? {}).map(([name, one]) => `${name}: ${contentOf(one)}`);
  return element(
    "li",
    { class: "new", "data-id": data.id },
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
