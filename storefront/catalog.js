// The shop's own products: a shop renders its pages itself, and asks Shopkeeper which ones to show.

export class Catalog {
  constructor(products) {
    this.products = products;
    this.byId = new Map(products.map((product) => [product.id, product]));
    const counts = Map.groupBy ? Map.groupBy(products, (product) => product.category) : group(products);
    this.categories = [...counts.keys()].filter((name) => counts.get(name).length >= 20);
    this.byCategory = counts;
  }

  get(id) {
    return this.byId.get(id);
  }

  /** Return a category's products, those of a style alone where one is named. */
  list(category, style) {
    const products = this.byCategory.get(category) ?? [];
    return style ? products.filter((product) => product.style === style) : products;
  }

  styles(category) {
    return [...new Set(this.list(category).map((product) => product.style))];
  }
}

export async function loadCatalog() {
  const answer = await fetch("/catalog.ndjson");
  const lines = (await answer.text()).split("\n").filter(Boolean);
  return new Catalog(lines.map((line) => JSON.parse(line)));
}

function group(products) {
  const found = new Map();
  for (const product of products) found.set(product.category, [...(found.get(product.category) ?? []), product]);
  return found;
}
