// Draws GET /v1/experiments/{name}, again and again, with the key that somebody gives.

import { at, count, element, fetchWith, follow, money, percent, shape, show } from "./parts.js";

const METRICS = [
  ["click", "Clicked", (one) => count(one.clicked), percent],
  ["order", "Ordered", (one) => count(one.converted), percent],
  ["revenue", "Revenue", (one) => money(one.revenue), money],
  ["margin", "Margin", (one) => money(one.margin), money],
];

const name = decodeURIComponent(location.pathname.split("/").at(-1));

at("name").textContent = document.title = name;
follow(async (key, signal) => {
  const answer = await fetchWith(key, `/v1/experiments/${encodeURIComponent(name)}`, { signal });
  const told = await answer.json();
  if (answer.ok) draw(told);
  return { status: answer.status, detail: told.detail };
});

function draw(told) {
  show();
  const since = told.firstAt ? `, since ${new Date(told.firstAt).toLocaleString()}` : "";
  at("facts").textContent = `${told.isActive ? "Running" : "Ended"} · ${count(told.visitors)} visitors${since}`;
  if (at("sentence").textContent !== told.sentence) at("sentence").textContent = told.sentence;
  at("variations").replaceChildren(...told.variations.map((one) => card(one, told)));
  at("split").textContent = told.sampleRatio.isMismatch
    ? "Split: not as asked for."
    : `Split: as asked for, as far as can be seen (p = ${told.sampleRatio.pValue.toPrecision(2)}).`;
  at("how").textContent =
    `All intervals hold together, whenever you look, in ${percent(told.confidence)} of experiments. ` +
    `What decides is “${METRICS.find(([metric]) => metric === told.goal)[1]}”. ` +
    `Visitors are told apart by ${told.hashAttribute}.`;
  at("growthbook").textContent = JSON.stringify(told.growthbook, null, 2);
}

function card(one, told) {
  const reach = widest(told);
  const rows = METRICS.flatMap(([metric, label, total, each]) => [
    element("tr", {}, element("th", {}, label), element("td", {}, total(one)), element("td", {}, each(one.perVisitor[metric]))),
    ...(one.lifts[metric] ? [liftRow(one.lifts[metric], each, reach)] : []),
  ]);
  const role = ["variation", one.name].includes(one.role) ? "" : ` · ${one.role}`;
  return element(
    "article",
    { "data-variation": one.name },
    element("h2", {}, one.name),
    element("p", { class: "soft" }, `${count(one.visitors)} visitors · ${percent(one.expectedShare)} asked for${role}`),
    element("table", {}, element("tr", {}, element("th", {}, ""), element("th", { class: "number" }, "in all"), element("th", { class: "number" }, "a visitor")), ...rows, element("tr", {}, element("th", {}, "Orders"), element("td", {}, count(one.orders)), element("td", {}, ""))),
  );
}

function liftRow(lift, each, reach) {
  const mood = lift.isSure ? (lift.low > 0 ? "good" : "bad") : "";
  const bounded = lift.relative !== null;
  const text = bounded
    ? `${signed(lift.relative)} (${signed(lift.relativeLow)} to ${signed(lift.relativeHigh)})`
    : `${lift.difference < 0 ? "−" : "+"}${each(Math.abs(lift.difference))}, not bounded yet`;
  const bar = bounded ? [interval(lift, reach)] : [];
  return element("tr", { class: `lift ${mood}` }, element("td", { colspan: "3" }, element("span", {}, `${text}${lift.isSure ? ", for sure" : ""}`), ...bar));
}

function interval({ relative, relativeLow, relativeHigh }, reach) {
  const x = (share) => 50 + 49 * Math.max(-1, Math.min(1, share / reach));
  const svg = shape("svg", { viewBox: "0 0 100 7", preserveAspectRatio: "none", "aria-hidden": "true" });
  svg.append(
    shape("rect", { x: x(relativeLow), y: 2, width: Math.max(x(relativeHigh) - x(relativeLow), 0.5), height: 3, rx: 1 }),
    shape("line", { x1: 50, x2: 50, y1: 0, y2: 7, "stroke-width": 0.5 }),
    shape("circle", { cx: x(relative), cy: 3.5, r: 0.9 }),
  );
  return svg;
}

/** How far the bars of all variations reach to each side, so that they compare; at most to 100 %. */
function widest({ variations }) {
  const ends = variations.flatMap((one) => Object.values(one.lifts)).flatMap((lift) => [lift.relativeLow ?? 0, lift.relativeHigh ?? 0]);
  return Math.min(1, Math.max(0.05, ...ends.map(Math.abs)));
}

function signed(share) {
  return `${share < 0 ? "−" : "+"}${percent(Math.abs(share))}`;
}
