// Behind the counter: what Shopkeeper knows of this visitor, what the browser sent, and why each thing is
// shown. All of it stands in the answers that this page got with its public key.

import { escape } from "./pictures.js";

const MOST_EVENTS = 12;

export class Drawer {
  #events = [];
  #decision = null;
  #asked = null;

  constructor(element, { catalog, shopkeeper }) {
    Object.assign(this, { element, catalog, shopkeeper });
    element.addEventListener("change", (event) => {
      if (event.target.id === "consent") {
        shopkeeper.consent = event.target.checked;
        location.reload();
      } else if (event.target.id === "rain") {
        localStorage.setItem("weather", event.target.checked ? "rain" : "");
        location.reload();
      }
    });
    this.draw();
  }

  sent(event, logId) {
    this.#events.unshift({ event, logId });
    this.#events.length = Math.min(this.#events.length, MOST_EVENTS);
    this.draw();
  }

  decided(decision, asked) {
    const before = this.#decision?.placements;
    this.#decision = { ...decision, placements: asked.placements.includes("exit-offer") ? { ...before, ...decision.placements } : decision.placements };
    this.#asked = asked;
    this.draw();
  }

  draw() {
    this.element.innerHTML = `<h2>Behind the counter</h2>${this.#profile()}${this.#placements()}${this.#sent()}`;
  }

  #profile() {
    const profile = this.#decision?.profile ?? {};
    const user = this.shopkeeper.user;
    const age = profile.updatedMsAgo == null ? "–" : profile.updatedMsAgo < 10_000 ? `${Math.round(profile.updatedMsAgo)} ms ago` : `${Math.round(profile.updatedMsAgo / 1000)} s ago`;
    const facts = [
      ["You are", user ? escape(user.traits.firstName) : "a visitor without a name", "who"],
      ["Known customer", profile.known ? "yes" : "no", "known"],
      ["Events seen", profile.eventsSeen ?? 0, "events-seen"],
      ["Picture of you updated", age, "updated"],
      ["Reaches to log entry", profile.appliedUpTo ?? "–", "applied"],
      ["Click to decision", this.#asked ? `${this.#asked.ms.toFixed(0)} ms` : "–", "round-trip"],
      ["Of that, on the server", this.#decision?.serverTimingMs == null ? "–" : `${this.#decision.serverTimingMs.toFixed(1)} ms`, "server"],
      ["Fallback", this.#decision?.fallback ? escape(this.#decision.fallback) : "none", "fallback"],
    ];
    const checked = this.shopkeeper.consent ? "checked" : "";
    return `<h3>What is known</h3><dl>${facts.map(([name, value, id]) => `<dt>${name}</dt><dd data-fact="${id}">${value}</dd>`).join("")}</dl><label><input id="consent" type="checkbox" ${checked} /> Personalize for me</label><label><input id="rain" type="checkbox" ${localStorage.getItem("weather") === "rain" ? "checked" : ""} /> It rains outside</label>`;
  }

  #placements() {
    const shown = Object.entries(this.#decision?.placements ?? {}).map(([name, placement]) => {
      const how = placement.strategy ?? (placement.campaign ? `${placement.campaign}/${placement.variation}` : placement.type);
      const fallback = placement.fallback ? `<p class="warn">fallback: ${escape(placement.fallback)}</p>` : "";
      const what = placement.products
        ? `<ol>${placement.products.map((product) => `<li>${escape(this.catalog.get(product.id)?.name ?? product.id)}<small>${escape(product.reason)} · ${escape(product.step)}</small></li>`).join("")}</ol>`
        : `<p>${placement.content ? escape(placement.content.headline) : "nothing"}<small>${escape(placement.reason)}</small></p>`;
      return `<details open data-why="${escape(name)}"><summary>${escape(name)} <span>${escape(how)}</span></summary>${what}${fallback}</details>`;
    });
    return `<h3>Why you see what you see</h3>${shown.join("") || "<p>Nothing was asked yet.</p>"}`;
  }

  #sent() {
    const items = this.#events.map(({ event, logId }) => {
      const subject = event.properties?.name ?? event.properties?.path ?? event.traits?.firstName ?? "";
      const known = isKnown(this.#decision?.profile?.appliedUpTo, logId);
      return `<li><b>${escape(event.event ?? `${event.type} ${event.name ?? ""}`)}</b> ${escape(subject)}<small>${logId ?? "not kept"}${known ? " · known to the decision" : ""}</small></li>`;
    });
    return `<h3>What this browser sent</h3><ul class="sent">${items.join("")}</ul>`;
  }
}

function isKnown(upTo, logId) {
  if (!upTo || !logId) return false;
  const [a, b] = [upTo, logId].map((id) => id.split("-").map(Number));
  return a[0] > b[0] || (a[0] === b[0] && a[1] >= b[1]);
}
