// The demo shop: pages by address, events for what the visitor does, decisions for what is shown.

import { Basket, productFields } from "./basket.js";
import { loadCatalog } from "./catalog.js";
import { Drawer } from "./drawer.js";
import { Shopkeeper } from "./shopkeeper.js";
import * as views from "./views.js";

const NAMES = ["Ann", "Ben", "Chloé", "Deniz"];
const PAGE_SIZE = 24;
const $ = (selector) => document.querySelector(selector);

class Shop {
  #visit = 0;
  #asking = false;

  constructor(catalog, { server, writeKey }) {
    this.catalog = catalog;
    this.basket = new Basket(catalog);
    this.shopkeeper = new Shopkeeper({
      server, writeKey,
      onSent: (event, logId) => this.drawer.sent(event, logId),
      onDecision: (decision, asked) => this.drawer.decided(decision, asked),
    });
    this.drawer = new Drawer($("#drawer"), this);
    this.decision = null;
  }

  open() {
    $("#categories").innerHTML = this.catalog.categories.map((name) => `<a href="/category/${encodeURIComponent(name)}" data-link>${views.title(name)}</a>`).join("");
    document.addEventListener("click", (event) => this.#onClick(event));
    addEventListener("popstate", () => this.show());
    $("#account").addEventListener("click", () => this.#signIn());
    $("#drawer-button").addEventListener("click", () => this.#toggleDrawer());
    if (localStorage.getItem("drawer") === "open") this.#toggleDrawer();
    this.shopkeeper.onExitIntent((trigger) => this.#offer(trigger));
    this.shopkeeper.onIdle((trigger) => this.#offer(trigger));
    return this.show();
  }

  go(address) {
    history.pushState(null, "", address);
    scrollTo(0, 0);
    return this.show();
  }

  show() {
    this.#visit += 1;
    const [, kind = "", name = ""] = location.pathname.split("/").map(decodeURIComponent);
    this.#marks(kind === "category" ? name : "");
    if (kind === "category") return this.#category(name, new URLSearchParams(location.search).get("style"));
    if (kind === "product" && this.catalog.get(name)) return this.#product(this.catalog.get(name));
    if (kind === "cart") return this.#cart();
    if (kind === "checkout" && this.basket.lines.length) return this.#checkout();
    return this.#home();
  }

  #home() {
    this.#page("Home", views.home());
    return this.#fill(["home-hero", ...Object.keys(views.HOME_ROWS)], { type: "home" });
  }

  #category(name, style) {
    this.#page(views.title(name), views.category(this.catalog, name, style, PAGE_SIZE), { category: name });
    this.shopkeeper.track("Product List Viewed", { list_id: style ?? name, category: name });
    const ask = () => this.#fill(Object.keys(views.CATEGORY_ROWS), { type: "category", category: name });
    $("#more")?.addEventListener("click", () => {
      $("#main").innerHTML = views.category(this.catalog, name, style, Infinity);
      ask();
    });
    return ask();
  }

  #product(product) {
    this.#page(product.name, views.product(product));
    this.shopkeeper.track("Product Viewed", productFields(product));
    const ask = () => this.#fill(Object.keys(views.PRODUCT_ROWS), { type: "product", productId: product.id, category: product.category });
    $("#add").addEventListener("click", () => {
      this.basket.change(product.id, 1);
      this.shopkeeper.track("Product Added", { ...productFields(product), quantity: 1 });
      this.#marks(product.category);
      $("#add").textContent = "In your cart";
      ask();
    });
    return ask();
  }

  #cart() {
    this.#page("Cart", views.cart(this.basket));
    this.shopkeeper.track("Cart Viewed", { products: this.basket.asProducts() });
    document.querySelectorAll("[data-line]").forEach((line) => {
      line.querySelector("[data-more]").addEventListener("click", () => this.#pieces(line.dataset.line, 1));
      line.querySelector("[data-less]").addEventListener("click", () => this.#pieces(line.dataset.line, -1));
    });
    return this.#fill(["cart-next"], { type: "cart" });
  }

  #pieces(id, by) {
    this.basket.change(id, by);
    this.shopkeeper.track(by > 0 ? "Product Added" : "Product Removed", { ...productFields(this.catalog.get(id)), quantity: 1 });
    this.show();
  }

  #checkout() {
    this.#page("Checkout", views.checkout(this.basket));
    this.shopkeeper.track("Checkout Started", { value: this.basket.toPay, products: this.basket.asProducts() });
    $("#order").addEventListener("click", () => this.#order());
  }

  #order() {
    const order = `demo-${Date.now().toString(36)}`;
    const { coupon, discount, toPay: revenue } = this.basket;
    const given = coupon ? { coupon, discount } : {};
    this.shopkeeper.track("Order Completed", { order_id: order, revenue, currency: "EUR", products: this.basket.asProducts(), ...given });
    this.basket.clear();
    this.#marks("");
    $("#main").innerHTML = views.thanks(order);
    return this.#fill(["home-next"], { type: "thanks" });
  }

  /** Ask for placements and put in place what comes; say which of it was seen. */
  async #fill(placements, page) {
    const visit = this.#visit;
    const decision = await this.shopkeeper.personalize(placements, { page, cart: this.basket.asQuestion(), context: this.#context() });
    if (visit !== this.#visit) return;
    this.decision = decision;
    placements.forEach((name) => this.#place(name, decision.placements[name]));
  }

  /** What this page tells of the world, for campaigns to ask about. */
  #context() {
    return localStorage.getItem("weather") ? { weather: localStorage.getItem("weather") } : {};
  }

  #place(name, placement) {
    const section = $(`[data-row="${name}"]`);
    if (!section) return;
    if (placement?.type === "banner") {
      if (!placement.content) return;
      const from = placement.content.link?.match(/\/category\/([^?]+)/)?.[1];
      section.innerHTML = views.hero(placement, this.#collage(from && decodeURIComponent(from)));
      this.shopkeeper.promotionViewed(this.decision, name);
    } else {
      const shown = (placement?.products ?? [])
        .map(({ id, reason }, slot) => ({ product: this.catalog.get(id), slot, reason }))
        .filter(({ product }) => product);
      section.hidden = shown.length === 0;
      if (!shown.length) return;
      const cards = shown.map(({ product, slot, reason }) => views.card(product, { placement: name, slot, reason }));
      section.querySelector(".cards").innerHTML = cards.join("");
      const products = shown.map(({ product, slot }) => ({ product_id: product.id, position: slot }));
      this.shopkeeper.track("Product List Viewed", { list_id: name, decision_id: this.decision.decisionId, products });
    }
  }

  #collage(category) {
    const from = this.catalog.list(category).length ? this.catalog.list(category) : this.catalog.products;
    return [0, 1, 2].map((n) => from[Math.floor(((n * 0.37 + 0.11) % 1) * from.length)]);
  }

  #onClick(event) {
    const link = event.target.closest("a[data-link]");
    if (!link || event.metaKey || event.ctrlKey || event.shiftKey || event.button) return;
    event.preventDefault();
    const { placement, slot } = link.dataset;
    const shown = placement && this.decision?.placements[placement];
    if (shown) {
      this.shopkeeper.promotionClicked(this.decision, placement);
      const product = shown.products?.[slot]?.id;
      if (product) this.shopkeeper.track("Product Clicked", { product_id: product, list_id: placement, position: Number(slot), decision_id: this.decision.decisionId });
    }
    this.go(link.getAttribute("href"));
  }

  /** Ask whether there is an offer for this moment; the server knows when to be silent. */
  async #offer(trigger) {
    if (this.#asking || $("dialog[open]")) return;
    this.#asking = true;
    const page = { type: location.pathname.split("/")[1] || "home" };
    const cart = this.basket.asQuestion();
    const decision = await this.shopkeeper
      .personalize(["exit-offer"], { page, trigger, cart, context: this.#context() })
      .finally(() => { this.#asking = false; });
    const content = decision.placements["exit-offer"]?.content;
    if (!content || $("dialog[open]")) return;
    this.shopkeeper.promotionViewed(decision, "exit-offer");
    if ((await ask($("#offer"), views.offer(content))) === "take") {
      this.shopkeeper.promotionClicked(decision, "exit-offer");
      this.basket.coupon = content.coupon;
      this.go("/checkout");
    } else this.shopkeeper.promotionDismissed(decision, "exit-offer");
  }

  async #signIn() {
    const answer = await ask($("#sign-in"), views.signIn(NAMES, this.shopkeeper.user));
    if (answer === "sign-out") this.shopkeeper.reset();
    else if (NAMES.includes(answer)) await this.#identify(answer);
    else return;
    this.show();
  }

  async #identify(firstName) {
    const answer = await fetch("/demo/token", { method: "POST", body: JSON.stringify({ name: firstName }) });
    const { userId, userToken, traits } = await answer.json();
    this.shopkeeper.identify(userId, userToken, { firstName, ...traits });
  }

  #page(name, markup, properties) {
    document.title = `${name} · Corner & Co.`;
    $("#main").innerHTML = markup;
    this.shopkeeper.page(name, properties);
  }

  #marks(category) {
    $("#cart-count").textContent = this.basket.count;
    $("#account").textContent = this.shopkeeper.user?.traits.firstName ?? "Sign in";
    document.querySelectorAll("#categories a").forEach((link) => {
      link.toggleAttribute("aria-current", link.textContent === views.title(category));
    });
  }

  #toggleDrawer() {
    const drawer = $("#drawer");
    drawer.hidden = !drawer.hidden;
    $("#drawer-button").setAttribute("aria-expanded", String(!drawer.hidden));
    localStorage.setItem("drawer", drawer.hidden ? "closed" : "open");
  }
}

function ask(dialog, markup) {
  dialog.innerHTML = markup;
  dialog.returnValue = "close";
  dialog.showModal();
  return new Promise((resolve) => dialog.addEventListener("close", () => resolve(dialog.returnValue), { once: true }));
}

const [catalog, settings] = await Promise.all([loadCatalog(), fetch("/demo/settings.json").then((answer) => answer.json())]);
await new Shop(catalog, settings).open();
document.documentElement.dataset.open = "yes";
