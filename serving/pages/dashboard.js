// Draws GET /v1/dashboard/stream as it comes, with the key that somebody gives.

import { Chart, SPAN_MS } from "./chart.js";
import { at, bytes, count, duration, element, follow, money, percent, problem, show } from "./parts.js";
import { listen } from "./stream.js";

const SILENT_MS = 10_000; // after which what is shown is old
const perSecond = (number) => `${count(number)}/s`;
let routes = []; // those asked in most of the points
const CHARTS = [
  new Chart("Latency of decisions", [line("p50", "p50"), line("p99", "p99")], duration),
  new Chart("Stages of a decision, p99", [line("read", "read99"), line("decide", "decide99"), line("encode", "encode99")], duration),
  new Chart("Routes, p99", [0, 1, 2].map(route), duration),
  new Chart("A second", [line("decisions", "decisions"), line("events", "events")], perSecond),
  new Chart("From an event to the profile", [line("p50", "commit50"), line("p99", "commit99")], duration),
  new Chart("Longest lag of a shard", [{ label: () => "lag", of: (point) => 1000 * point.lag }], duration),
];

let points = [];
let heardAt = 0;

at("charts").append(...CHARTS.map((chart) => chart.figure));
follow((key, signal) => {
  points = [];
  return listen(key, "/v1/dashboard/stream", draw, signal);
});
setInterval(warn, 1000);

function warn() {
  const isSilent = !at("figures").hidden && Date.now() - heardAt > SILENT_MS;
  if (isSilent && at("problem").hidden) problem("Nothing new for ten seconds: what is shown here is old.");
}

function draw({ now, points: more }) {
  heardAt = Date.now();
  problem();
  show();
  points = [...points, ...more].filter((point) => point.at > now.at - SPAN_MS);
  routes = busiest(points);
  verdict(now);
  at("lights").replaceChildren(...now.lights.map(light));
  for (const chart of CHARTS) chart.draw(points, now.at);
  latency(now);
  fill("models", now.models.map(model), "No model has learned yet.");
  shards(now);
  slowest(now.slow);
  placements(now.placements);
  campaigns(now.campaigns);
  experiments(now.experiments);
  triggers(now.triggers);
}

function verdict(now) {
  const words = now.light.state === "red" || now.light.state === "amber" ? `${now.light.name}: ${now.light.sentence}` : "All is well.";
  at("verdict").dataset.state = now.light.state;
  if (at("verdict").lastChild.textContent !== words) at("verdict").lastChild.textContent = words;
  at("clock").textContent = `${perSecond(now.perSecond.decisions)} decisions · ${perSecond(now.perSecond.events)} events · ${new Date(now.at).toLocaleTimeString()}`;
}

function light({ name, state, sentence }) {
  return element("p", { class: "card light", "data-state": state }, element("b", {}, name), sentence);
}

function latency({ minute }) {
  const rows = [
    ...Object.entries(minute.stages).map(([stage, one]) => [`a decision: ${stage}`, one]),
    ...Object.entries(minute.routes).filter(([name]) => isOfTheShop(name)),
    ["event to log", minute.freshness.append],
    ["event to profile", minute.freshness.append_to_commit],
    ["example to model", minute.freshness.example_to_commit],
    ["step to suggestion", minute.freshness.learned_to_served],
  ].filter(([, one]) => one.n);
  table("latency", ["", "times", "p50", { spare: "p90" }, "p99"], rows.map(([name, one]) => [name, count(one.n), duration(one.p50), duration(one.p90), duration(one.p99)]), "Nothing was asked in the last minute.");
}

function model({ title, state, sentence, drifts }) {
  const drifted = drifts ? ` ${count(drifts)} drifts for the worse.` : "";
  return element("div", { class: "model", "data-state": state }, element("i", { class: "dot" }), element("span", {}, element("b", {}, `${title}. `), sentence + drifted));
}

function shards({ lag, redis, minute }) {
  const squares = lag.shards.map((one, shard) =>
    element("i", { "data-state": one.state, title: `shard ${shard}: ${one.lag === null ? "no worker tells of it" : `${one.lag.toFixed(1)} s`}` }),
  );
  const limit = redis.limit ? ` of ${bytes(redis.limit)}` : "";
  fill("shards", [
    element("div", { id: "strip", role: "img", "aria-label": `Lag of ${lag.of} shards, ${lag.worst.toFixed(1)} s at most` }, ...squares),
    facts([
      ["Shards with a worker", `${lag.owned} of ${lag.of}`],
      ["Longest lag", duration(1000 * lag.worst)],
      ["Redis' memory", `${bytes(redis.used)}${limit}`],
      ["Entries in the event logs", redis.logEntries === null ? "–" : count(redis.logEntries)],
      ["Dead letters in 15 minutes", count(redis.deadLetters)],
      ["Users in workers' memory", count(redis.cachedUsers)],
      ["Commits in the last minute", count(minute.commits.committed ?? 0)],
      ["Conflicts, gaps, reconnects", ["conflicts", "gaps", "reconnects"].map((what) => count(minute.commits[what] ?? 0)).join(", ")],
      ["Examples learned in the last minute", count(minute.learned.examples ?? 0)],
      ...Object.entries(minute.fallbacks).map(([reason, n]) => [`Fallback: ${words(reason)}`, percent(n / minute.placements)]),
      ...Object.entries(minute.refused).map(([reason, n]) => [`Refused: ${words(reason)}`, count(n)]),
    ]),
  ]);
}

function slowest(slow) {
  const rows = slow.map((one) => [new Date(one.at).toLocaleTimeString(), duration(one.total_ms), duration(one.read_ms), duration(one.decide_ms), duration(one.encode_ms), element("code", {}, one.trace_id || one.decision_id)]);
  table("slow", ["at", "in all", "read", "decide", "encode", "trace, or decision"], rows, "None yet.");
}

function placements(rows) {
  table("placements", ["", "decided", "personal", "for all", "fell back"], rows.map((one) => [one.name, count(one.decided), percent(one.personal), percent(one.general), percent(one.fallback)]), "Nothing was decided.");
}

function campaigns(rows) {
  const shares = rows.map((one) => [one.name, count(one.chosen), count(one.choices ?? 0), one.choices ? percent((one.clicks ?? 0) / one.choices) : "–", count(one.orders ?? 0), money(one.revenue ?? 0)]);
  table("campaigns", ["", "chosen", "closed", "clicked", "orders", "revenue"], shares, "No campaign was chosen.");
}

function experiments(rows) {
  const linked = rows.map((one) => [element("a", { href: `/experiments/${encodeURIComponent(one.name)}` }, one.name), count(one.visitors), words(one.sentence)]);
  table("experiments", ["", "visitors", ""], linked, "No experiments are in force.", 2);
}

function triggers(rows) {
  const columns = [...new Set(rows.flatMap((row) => Object.keys(row).filter((key) => key !== "name")))].sort((one, other) => (other === "fired") - (one === "fired"));
  table("triggers", ["", ...columns], rows.map((row) => [row.name, ...columns.map((column) => count(row[column] ?? 0))]), "None fired.");
}

/** A head that is {spare} is of a column that small screens leave out; `wordy` is a column of sentences. */
function table(id, head, rows, nothing, wordy = -1) {
  if (!rows.length) return fill(id, [], nothing);
  const kinds = head.map((name, place) => (name.spare ? { class: "spare" } : place === wordy ? { class: "words" } : {}));
  const cell = (value, place) => (place ? element("td", kinds[place], value) : element("th", { scope: "row" }, value));
  const made = element(
    "table",
    {},
    element("thead", {}, element("tr", {}, ...head.map((name, place) => element("th", kinds[place], name.spare ?? name)))),
    element("tbody", {}, ...rows.map((row) => element("tr", {}, ...row.map(cell)))),
  );
  fill(id, [element("div", { class: "scrolls" }, made)]);
}

function fill(id, parts, nothing) {
  const shown = parts.length ? parts : [element("p", { class: "nothing" }, nothing)];
  at(id).replaceChildren(at(id).firstElementChild, ...shown);
}

function facts(pairs) {
  return element("dl", {}, ...pairs.flatMap(([name, value]) => [element("dt", {}, name), element("dd", {}, value)]));
}

function busiest(all) {
  const times = new Map();
  for (const name of all.flatMap((point) => Object.keys(point.routes)).filter(isOfTheShop)) times.set(name, (times.get(name) ?? 0) + 1);
  return [...times].sort((one, other) => other[1] - one[1] || (one[0] < other[0] ? -1 : 1)).map(([name]) => name);
}

function isOfTheShop(name) {
  return name.startsWith("/v1/") && !name.startsWith("/v1/dashboard");
}

function route(place) {
  return { label: () => routes[place], of: (point) => point.routes[routes[place]] };
}

function line(label, field) {
  return { label: () => label, of: (point) => point[field] };
}

function words(name) {
  return name.replaceAll("_", " ");
}
