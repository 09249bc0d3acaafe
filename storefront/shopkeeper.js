// Shopkeeper in a shop's page: events by the Segment protocol, decisions, exit intent.
//
//   import { Shopkeeper } from "./shopkeeper.js";
//   const shopkeeper = new Shopkeeper({ server: "https://events.my-shop.example", writeKey: "wk_…" });
//   shopkeeper.track("Product Viewed", { product_id: "trail-boots", category: "hiking", price: 129 });
//   const decision = await shopkeeper.personalize(["home-next"], { page: { type: "home" } });

const RETRY_MS = [200, 1000, 4000, 15000];
const ASK_MS = 1500;
const ASK_AGAIN_MS = 15;
const ASK_AGAIN_TIMES = 6;

export class Shopkeeper {
  #queue = [];
  #sending = Promise.resolve();
  #flushing = null;
  #experiments = new Set();

  /** `onSent(event, logId)` and `onDecision(decision, asked)` let a page look over its shoulder. */
  constructor({ server, writeKey, storage = localStorage, onSent = () => {}, onDecision = () => {} }) {
    Object.assign(this, { server, writeKey, storage, onSent, onDecision });
    this.lastLogId = null;
    addEventListener("pagehide", () => this.#beacon());
  }

  get anonymousId() {
    const id = this.storage.getItem("shopkeeper.anonymousId") ?? crypto.randomUUID?.() ?? randomId();
    this.storage.setItem("shopkeeper.anonymousId", id);
    return id;
  }

  get user() {
    return JSON.parse(this.storage.getItem("shopkeeper.user") ?? "null");
  }

  get consent() {
    return this.storage.getItem("shopkeeper.consent") !== "refused";
  }

  set consent(given) {
    this.storage.setItem("shopkeeper.consent", given ? "given" : "refused");
  }

  track(event, properties = {}) {
    this.#add({ type: "track", event, properties });
  }

  page(name, properties = {}) {
    this.#add({ type: "page", name, properties: { path: location.pathname, title: document.title, ...properties } });
  }

  /** Join this browser to a customer; the shop's own server made the `userToken`. */
  identify(userId, userToken, traits = {}) {
    this.storage.setItem("shopkeeper.user", JSON.stringify({ userId, userToken, traits }));
    this.#add({ type: "identify", traits });
  }

  /** Forget who it was; the browser is a new visitor from here on. */
  reset() {
    this.storage.removeItem("shopkeeper.user");
    this.storage.removeItem("shopkeeper.anonymousId");
    this.#experiments.clear();
    this.lastLogId = null;
  }

  /**
   * Ask what to show in these placements; `context` is whatever campaigns may ask about. The answer knows every event that was sent before: where it
   * comes back older than that, which takes some milliseconds at most, it is asked for once more.
   */
  async personalize(placements, { page, cart, context, trigger, options } = {}) {
    const startedAt = performance.now();
    await this.flush();
    const { userId, userToken } = this.user ?? {};
    const question = {
      placements, userId, userToken, anonymousId: this.anonymousId, page, cart, options,
      context: { locale: navigator.language, device: device(), ...context, trigger, consent: this.#consent() }, writeKey: this.writeKey,
    };
    let decision;
    let asked = 0;
    do {
      if (asked > 0) await pause(ASK_AGAIN_MS);
      decision = await this.#ask(question);
      asked += 1;
    } while (asked <= ASK_AGAIN_TIMES && isOlder(decision.profile.appliedUpTo, this.lastLogId));
    this.#experimentsViewed(decision);
    this.onDecision(decision, { asked, ms: performance.now() - startedAt, placements });
    return decision;
  }

  /** Call back once the visitor's pointer leaves towards the tabs, or a phone's page is left alone. */
  onExitIntent(callback, idleMs = 45_000) {
    let timer;
    const onMouse = (event) => event.clientY <= 0 && !event.relatedTarget && callback("exit-intent");
    const onTouch = () => {
      clearTimeout(timer);
      timer = setTimeout(() => callback("exit-intent"), idleMs);
    };
    document.addEventListener("mouseout", onMouse);
    document.addEventListener("touchstart", onTouch, { passive: true });
    return () => {
      clearTimeout(timer);
      document.removeEventListener("mouseout", onMouse);
      document.removeEventListener("touchstart", onTouch);
    };
  }

  /** Call back once nothing was moved, typed or touched for so long. */
  onIdle(callback, idleMs = 60_000) {
    const signs = ["mousemove", "keydown", "scroll", "touchstart"];
    let timer;
    const wake = () => {
      clearTimeout(timer);
      timer = setTimeout(() => callback("idle"), idleMs);
    };
    signs.forEach((sign) => addEventListener(sign, wake, { passive: true }));
    wake();
    return () => {
      clearTimeout(timer);
      signs.forEach((sign) => removeEventListener(sign, wake));
    };
  }

  /** Tell that a banner or an offer was seen; nothing where no campaign is behind it. */
  promotionViewed(decision, name) {
    this.#promotion("Promotion Viewed", decision, name);
  }

  promotionClicked(decision, name) {
    this.#promotion("Promotion Clicked", decision, name);
  }

  /** Tell that it was closed; it then keeps silent for as long as its campaign says. */
  promotionDismissed(decision, name) {
    this.#promotion("Promotion Dismissed", decision, name);
  }

  #promotion(event, decision, name) {
    const { campaign, variation } = decision?.placements[name] ?? {};
    if (!campaign) return;
    this.track(event, { decision_id: decision.decisionId, promotion_id: campaign, creative: variation, name, position: name });
  }

  /** Return once all events so far are accepted, or given up. */
  flush() {
    const events = this.#queue.splice(0);
    if (events.length) this.#sending = this.#sending.then(() => this.#send(events));
    return this.#sending;
  }

  #add(fields) {
    const now = new Date().toISOString();
    const event = { ...fields, messageId: randomId(), anonymousId: this.anonymousId, timestamp: now };
    if (this.user) event.userId = this.user.userId;
    event.context = { locale: navigator.language, device: { type: device() }, userAgent: navigator.userAgent, consent: this.#consent() };
    this.#queue.push(event);
    this.#flushing ??= setTimeout(() => {
      this.#flushing = null;
      this.flush();
    });
  }

  /** Tell which variations of experiments a decision shows, each once a page. */
  #experimentsViewed({ experiments = [] }) {
    for (const { experimentId, experimentName, variationId, variationName } of experiments) {
      if (this.#experiments.has(`${experimentId}/${variationId}`)) continue;
      this.#experiments.add(`${experimentId}/${variationId}`);
      this.track("Experiment Viewed", {
        experiment_id: experimentId, experiment_name: experimentName,
        variation_id: variationId, variation_name: variationName,
      });
    }
  }

  #consent() {
    return { categoryPreferences: { personalization: this.consent } };
  }

  // Text, and the key in the body: so the browser asks no permission first (no CORS preflight).
  #body(events) {
    return JSON.stringify({ batch: events, writeKey: this.writeKey, sentAt: new Date().toISOString() });
  }

  async #send(events) {
    const body = this.#body(events);
    for (const wait of [0, ...RETRY_MS]) {
      if (wait) await pause(wait);
      try {
        const answer = await fetch(`${this.server}/v1/batch?ids=true`, { method: "POST", body, keepalive: body.length < 60_000 });
        if (answer.ok) return this.#accepted(events, await answer.json());
        if (answer.status < 500 && answer.status !== 429) return;
      } catch {
        // No network: the same events, with the same ids, are sent again.
      }
    }
  }

  #accepted(events, { ids = [] }) {
    events.forEach((event, n) => {
      if (ids[n]) this.lastLogId = ids[n];
      this.onSent(event, ids[n] ?? null);
    });
  }

  #beacon() {
    const events = this.#queue.splice(0);
    if (events.length) navigator.sendBeacon(`${this.server}/v1/batch`, this.#body(events));
  }

  async #ask(question) {
    const nothing = { decisionId: null, profile: {}, placements: {}, serverTimingMs: null };
    try {
      const answer = await fetch(`${this.server}/v1/personalize`, { method: "POST", body: JSON.stringify(question), signal: AbortSignal.timeout(ASK_MS) });
      return answer.ok ? await answer.json() : { ...nothing, fallback: `the server says ${answer.status}` };
    } catch (error) {
      return { ...nothing, fallback: `no answer: ${error.message}` };
    }
  }
}

/** Tell whether the log id that a decision knows lies before the one that was sent last. */
function isOlder(known, sent) {
  if (!known || !sent) return false;
  const [a, b] = [known, sent].map((id) => id.split("-").map(Number));
  return a[0] < b[0] || (a[0] === b[0] && a[1] < b[1]);
}

function device() {
  return matchMedia("(pointer: coarse)").matches ? "mobile" : "desktop";
}

function randomId() {
  return Array.from(crypto.getRandomValues(new Uint8Array(16)), (byte) => byte.toString(16).padStart(2, "0")).join("");
}

function pause(ms) {
  return new Promise((resolve) => setTimeout(resolve, ms));
}
