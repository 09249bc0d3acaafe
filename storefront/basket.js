// The visitor's cart, kept by the shop in the browser.

const COUPONS = { "STAY-10": 0.1 };
const cents = (amount) => Math.round(amount * 100) / 100;

export class Basket {
  constructor(catalog, storage = localStorage) {
    this.catalog = catalog;
    this.storage = storage;
  }

  get lines() {
    const kept = JSON.parse(this.storage.getItem("cart") ?? "[]");
    return kept.map(([id, quantity]) => ({ product: this.catalog.get(id), quantity })).filter((line) => line.product);
  }

  get count() {
    return this.lines.reduce((sum, line) => sum + line.quantity, 0);
  }

  get total() {
    return this.lines.reduce((sum, line) => sum + line.quantity * line.product.price, 0);
  }

  /** A coupon that was taken; it holds for the order that comes next. */
  get coupon() {
    return this.storage.getItem("coupon") ?? "";
  }

  set coupon(code) {
    this.storage.setItem("coupon", code in COUPONS ? code : "");
  }

  get discount() {
    return cents(this.total * (COUPONS[this.coupon] ?? 0));
  }

  get toPay() {
    return cents(this.total - this.discount);
  }

  change(id, by) {
    const lines = this.lines.map(({ product, quantity }) => [product.id, quantity]);
    const there = lines.find(([other]) => other === id);
    if (there) there[1] += by;
    else lines.push([id, by]);
    this.storage.setItem("cart", JSON.stringify(lines.filter(([, quantity]) => quantity > 0)));
  }

  clear() {
    this.storage.removeItem("cart");
    this.storage.removeItem("coupon");
  }

  /** The lines as `/v1/personalize` takes them. */
  asQuestion() {
    return this.lines.map(({ product, quantity }) => ({ productId: product.id, quantity, price: product.price }));
  }

  /** The lines as the events of the E-commerce Spec carry them. */
  asProducts() {
    return this.lines.map(({ product, quantity }) => ({ ...productFields(product), quantity }));
  }
}

export function productFields(product) {
  return { product_id: product.id, name: product.name, category: product.category, price: product.price };
}
