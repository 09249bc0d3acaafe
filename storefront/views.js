// The shop's pages as markup; nothing here asks or tells a server anything.

import { escape, picture } from "./pictures.js";

const euro = new Intl.NumberFormat("en-IE", { style: "currency", currency: "EUR" });

export const money = (amount) => euro.format(amount);
export const title = (word) => word.replace(/(^|[\s/])\w/g, (letter) => letter.toUpperCase()).replace("Homedecor", "Home Decor");

/** A product's card; `shown` is what a placement says of it. */
export function card(product, shown) {
  const mark = shown ? `data-placement="${escape(shown.placement)}" data-slot="${shown.slot}"` : "";
  const reason = shown ? `<p class="reason">${escape(shown.reason)}</p>` : "";
  return `<a class="card" href="/product/${encodeURIComponent(product.id)}" data-link data-product="${escape(product.id)}" ${mark}>${picture(product)}<span class="name">${escape(product.name)}</span><span class="price">${money(product.price)}</span>${reason}</a>`;
}

export function row(heading, placement, cards) {
  return `<section class="row" data-row="${placement}"><h2>${escape(heading)}</h2><div class="cards">${cards.join("")}</div></section>`;
}

export const waiting = (heading, placement, slots) => row(heading, placement, Array.from({ length: slots }, () => `<div class="card ghost"></div>`));

/** The rows of a page: each placement with its title, empty until it is decided. */
export const HOME_ROWS = {
  "home-next": "Picked for you",
  "home-for-you": "More of what you like",
  "home-recent": "You looked at these",
  "home-again": "Time for more?",
  "home-trending": "Popular right now",
  "home-new": "Just arrived",
};
export const CATEGORY_ROWS = { "category-trending": "Popular in here", "home-next": "You may also like" };
export const PRODUCT_ROWS = {
  "product-next": "What others looked at next",
  "product-similar": "Similar to this",
  "product-together": "Often bought together",
};

const rows = (titles) => Object.entries(titles).map(([placement, heading]) => waiting(heading, placement, 4)).join("");

export function home(banner) {
  return `<section id="hero" data-row="home-hero">${banner ?? ""}</section>${rows(HOME_ROWS)}`;
}

export function hero({ content, campaign, reason }, drawn) {
  const button = content.link ? `<a class="button" href="${escape(content.link)}" data-link data-placement="home-hero" data-slot="0">Have a look</a>` : "";
  return `<div class="hero" data-campaign="${escape(campaign ?? "")}"><div><h1>${escape(content.headline)}</h1><p>${escape(content.text)}</p>${button}${campaign ? `<p class="small">${escape(reason)}</p>` : ""}</div><div class="collage">${drawn.map((product) => picture(product)).join("")}</div></div>`;
}

export function category(catalog, name, style, most) {
  const products = catalog.list(name, style);
  const chip = (label, to, on) => `<a class="chip" ${on ? 'aria-current="true"' : ""} href="${to}" data-link>${escape(title(label))}</a>`;
  const base = `/category/${encodeURIComponent(name)}`;
  const chips = [chip("all", base, !style), ...catalog.styles(name).map((other) => chip(other, `${base}?style=${encodeURIComponent(other)}`, other === style))];
  const more = products.length > most ? `<button id="more" class="button" type="button">Show more</button>` : "";
  return `<h1>${escape(title(name))} <small>${products.length} products</small></h1><div class="chips">${chips.join("")}</div><div class="cards">${products.slice(0, most).map((product) => card(product)).join("")}</div><p class="center">${more}</p>${rows(CATEGORY_ROWS)}`;
}

export function product(item) {
  return `<p class="path"><a href="/" data-link>Home</a> / <a href="/category/${encodeURIComponent(item.category)}" data-link>${escape(title(item.category))}</a></p>
  <article class="product"><div class="frame">${picture(item)}</div><div><h1>${escape(item.name)}</h1><p class="price">${money(item.price)}</p><p>${escape(item.description)}</p><p class="stock">${item.stock > 0 ? `In stock: ${item.stock} pieces` : "Sold out"}</p><button id="add" class="button" type="button" ${item.stock > 0 ? "" : "disabled"}>Add to cart</button></div></article>${rows(PRODUCT_ROWS)}`;
}

export function cart(basket) {
  if (!basket.lines.length) {
    return `<h1>Your cart</h1><p class="empty">Nothing in it yet.</p>${waiting("Perhaps one of these", "cart-next", 4)}`;
  }
  const lines = basket.lines.map(
    ({ product: item, quantity }) => `<li data-line="${escape(item.id)}"><a href="/product/${encodeURIComponent(item.id)}" data-link>${picture(item)}</a><div><a class="name" href="/product/${encodeURIComponent(item.id)}" data-link>${escape(item.name)}</a><span>${money(item.price)}</span></div><div class="pieces"><button type="button" data-less aria-label="One less">−</button><b>${quantity}</b><button type="button" data-more aria-label="One more">+</button></div></li>`,
  );
  return `<h1>Your cart</h1><div class="checkout"><ul>${lines.join("")}</ul><div class="sum">${sum(basket)}<a id="checkout" class="button" href="/checkout" data-link>Checkout</a></div></div>${waiting("Goes with what is in your cart", "cart-next", 4)}`;
}

export function checkout(basket) {
  const lines = basket.lines.map(({ product: item, quantity }) => `<li><span class="name">${quantity} × ${escape(item.name)}</span></li>`);
  return `<h1>Checkout</h1><div class="checkout"><ul>${lines.join("")}</ul><div class="sum">${sum(basket)}<button id="order" class="button" type="button">Place the order</button><p class="small">No money moves: this only sends “Order Completed”.</p></div></div>`;
}

function sum(basket) {
  const given = basket.discount ? `<p class="small">${escape(basket.coupon)} −${money(basket.discount)}</p>` : "";
  return `${given}<p>Total <b>${money(basket.toPay)}</b></p>`;
}

export function thanks(order) {
  return `<div class="thanks"><h1>Thank you!</h1><p>Order ${escape(order)} is on its way, or would be.</p><a class="button" href="/" data-link>Back to the shop</a></div>${waiting("For next time", "home-next", 4)}`;
}

export function offer(content) {
  const coupon = content.coupon ? `<p class="coupon">${escape(content.coupon)}</p>` : "";
  return `<form method="dialog"><h2>${escape(content.headline)}</h2><p>${escape(content.text)}</p>${coupon}<button class="button" value="take">Take it</button><button class="quiet" value="close">No, thank you</button></form>`;
}

export function signIn(names, user) {
  if (user) return `<form method="dialog"><h2>You are ${escape(user.traits.firstName)}</h2><p>Sign out, and this browser is a new visitor.</p><button class="button" value="sign-out">Sign out</button><button class="quiet" value="close">Stay</button></form>`;
  const buttons = names.map((name) => `<button class="button" value="${escape(name)}">${escape(name)}</button>`);
  return `<form method="dialog"><h2>Who are you today?</h2><p>What this browser did so far becomes part of that customer's history. On another browser the same name finds it again.</p><div class="names">${buttons.join("")}</div><button class="quiet" value="close">Just looking</button></form>`;
}
