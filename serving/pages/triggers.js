// Draws GET /v1/triggers as it comes, and GET /v1/receivers, with the key that somebody gives.

import { at, count, element, fetchWith, follow, show } from "./parts.js";
import { listen } from "./stream.js";

const SHOWN = 100;
const SINCE_MS = 15 * 60_000; // of what fired before the page was opened

let total = 0;
let newest; // id of the event that came last: after a break, what follows it is heard

follow(hear, askReceivers);

function hear(key, signal) {
  const after = newest ?? `${Date.now() - SINCE_MS}-0`;
  return listen(key, `/v1/triggers?after=${after}`, take, signal);
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
