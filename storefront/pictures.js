// A picture of a product, drawn from its category, style and the words of its name: the same product
// always gives the same SVG, and nothing is fetched.

import { wear } from "./shapes-wear.js";
import { home } from "./shapes-home.js";
import { things } from "./shapes-things.js";

const COLOURS = {
  black: [220, 10, 20], charcoal: [215, 10, 28], onyx: [220, 10, 20], midnight: [228, 42, 24],
  grey: [215, 9, 55], gray: [215, 9, 55], slate: [213, 16, 44], silver: [212, 12, 72],
  white: [40, 25, 95], ivory: [44, 48, 90], cream: [42, 52, 86], pearl: [30, 22, 90],
  beige: [36, 36, 76], sand: [38, 42, 72], tan: [30, 44, 62], khaki: [48, 28, 54],
  caramel: [29, 58, 50], camel: [32, 48, 56], cognac: [20, 58, 42], chestnut: [14, 45, 34],
  brown: [24, 42, 34], chocolate: [20, 45, 26], mocha: [22, 28, 38], walnut: [24, 34, 32],
  wooden: [28, 44, 46], wood: [28, 44, 46], oak: [34, 46, 56], rattan: [36, 50, 60], rustic: [26, 40, 40],
  red: [356, 68, 48], crimson: [348, 74, 42], ruby: [346, 70, 40], scarlet: [4, 76, 48],
  burgundy: [344, 54, 30], wine: [342, 50, 32], cherry: [350, 72, 42], rose: [346, 58, 66],
  pink: [340, 66, 74], blush: [350, 58, 82], coral: [10, 80, 66], peach: [22, 82, 76],
  orange: [24, 86, 56], pumpkin: [24, 82, 50], rust: [16, 62, 42], terracotta: [14, 50, 54],
  amber: [38, 88, 52], golden: [42, 74, 54], gold: [43, 66, 54], honey: [38, 80, 54],
  yellow: [48, 88, 60], sunshine: [46, 92, 60], mustard: [44, 70, 46], lemon: [54, 88, 64],
  lime: [78, 56, 52], olive: [70, 32, 38], moss: [86, 30, 38], sage: [110, 18, 60],
  green: [140, 38, 42], emerald: [155, 58, 36], forest: [145, 40, 26], mint: [155, 44, 76],
  teal: [180, 52, 34], turquoise: [176, 54, 50], aqua: [184, 54, 58], seafoam: [160, 38, 72],
  blue: [215, 62, 50], navy: [222, 52, 26], denim: [214, 40, 44], indigo: [240, 40, 40],
  azure: [205, 74, 58], cobalt: [220, 70, 42], sky: [202, 68, 72], coastal: [200, 44, 58],
  purple: [275, 40, 46], violet: [268, 46, 56], lavender: [262, 46, 78], lilac: [280, 38, 76],
  mauve: [318, 24, 62], plum: [310, 38, 32], magenta: [320, 66, 48], brass: [44, 52, 50],
  copper: [20, 56, 50], bronze: [30, 46, 42], steel: [210, 14, 58],
};
const OWN = {
  plant: [132, 36, 40], wreath: [140, 36, 34], christmas: [146, 48, 30], halloween: [26, 84, 52],
  valentine: [350, 66, 56], easter: [200, 54, 74], vegetables: [118, 40, 46], fruits: [12, 74, 58],
  bakery: [32, 56, 58], meat: [4, 48, 56], seafood: [14, 72, 62], dairy: [46, 74, 72], strings: [22, 58, 42],
  keys: [220, 12, 20], wind: [44, 56, 52], tables: [28, 42, 46], dressers: [28, 38, 48],
};
const QUIET = [[212, 44, 46], [14, 54, 56], [164, 34, 40], [34, 58, 58], [346, 46, 58], [258, 30, 54]];
const SHAPES = { ...wear, ...home, ...things };

/** Return the markup of a product's picture. */
export function picture(product) {
  const random = seeded(product.id);
  const named = ` ${product.name} ${product.style}`.toLowerCase();
  const words = `${named} ${product.description ?? ""}`.toLowerCase();
  const main = colourOf(words) ?? OWN[product.style] ?? pick(random, QUIET);
  const other = secondColour(words, main) ?? [(main[0] + 150 + random() * 60) % 360, 46, 62];
  const draw = SHAPES[product.style] ?? SHAPES.parcel;
  const id = `p${hash(product.id).toString(36)}`;
  const paint = {
    c: css(main), d: css(shade(main, -13)), dd: css(shade(main, -25)), l: css(shade(main, 14)),
    a: css(other), ad: css(shade(other, -16)), ink: "#2b2a2e", w: "#fffdf8", gold: "#d9b45b",
    fill: `url(#${id}f)`, random, has: (...list) => list.some((word) => named.includes(` ${word}`) || named.includes(`-${word}`)),
    pick: (list) => pick(random, list), between: (low, high) => low + (high - low) * random(),
  };
  return (
    `<svg viewBox="0 0 200 200" role="img" aria-label="${escape(product.name)}" class="picture">` +
    `<defs>${pattern(`${id}f`, words, paint)}</defs>${backdrop(random, main)}` +
    `<ellipse cx="100" cy="168" rx="58" ry="6" fill="#000" opacity=".13"/>${draw(paint)}</svg>`
  );
}

/** Return a text that is safe inside HTML. */
export function escape(text) {
  const names = { "&": "&amp;", "<": "&lt;", ">": "&gt;", '"': "&quot;", "'": "&#39;" };
  return String(text).replace(/[&<>"']/g, (character) => names[character]);
}

/** Return numbers from 0 to 1 that depend on nothing but the text. */
export function seeded(text) {
  let state = hash(text);
  return () => {
    state = (state + 0x6d2b79f5) | 0;
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state);
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed;
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 4294967296;
  };
}

function hash(text) {
  let value = 2166136261;
  for (const character of text) value = Math.imul(value ^ character.codePointAt(0), 16777619);
  return value >>> 0;
}

function colourOf(words) {
  const found = words.match(/[a-z]+/g)?.find((word) => Object.hasOwn(COLOURS, word));
  return found && COLOURS[found];
}

function secondColour(words, first) {
  const named = words.match(/[a-z]+/g)?.map((word) => Object.hasOwn(COLOURS, word) && COLOURS[word]);
  return named?.find((colour) => colour && Math.abs(colour[0] - first[0]) + Math.abs(colour[2] - first[2]) > 30);
}

function backdrop(random, [hue, saturation, light]) {
  const turned = (hue + pick(random, [0, 24, -28, 165, 190]) + 360) % 360;
  const soft = Math.min(saturation, 42);
  const far = light > 76 ? 80 : 90;
  const [back, front] = [`hsl(${turned} ${soft}% ${far}%)`, `hsl(${turned} ${soft}% ${far - 7}%)`];
  const shapes = [
    `<circle cx="100" cy="98" r="74" fill="${front}"/>`,
    `<path d="M34 200V96a66 66 0 0 1 132 0v104z" fill="${front}"/>`,
    `<path d="M0 148q50-22 100-4t100-8v64H0z" fill="${front}"/>`,
    `<circle cx="150" cy="52" r="66" fill="${front}"/><circle cx="34" cy="170" r="52" fill="${front}"/>`,
    `<path d="M0 0h200v60L0 140z" fill="${front}"/>`,
  ];
  return `<rect width="200" height="200" fill="${back}"/>${pick(random, shapes)}`;
}

function pattern(id, words, { c, l, d, a, w }) {
  const tile = (size, inside, turn = 0) =>
    `<pattern id="${id}" width="${size}" height="${size}" patternUnits="userSpaceOnUse" ` +
    `patternTransform="rotate(${turn})"><rect width="${size}" height="${size}" fill="${c}"/>${inside}</pattern>`;
  if (/strip|pinstripe|nautical/.test(words)) return tile(14, `<rect width="6" height="14" fill="${w}" opacity=".75"/>`);
  if (/plaid|check|tartan|gingham|flannel/.test(words)) {
    const bands = `<rect width="9" height="20" fill="${d}" opacity=".6"/><rect width="20" height="9" fill="${d}" opacity=".6"/>`;
    return tile(20, `${bands}<path d="M14 0v20M0 14h20" stroke="${a}" stroke-width="1.6"/>`);
  }
  if (/polka|dots|dotted|spotted/.test(words)) return tile(16, `<circle cx="8" cy="8" r="3.6" fill="${w}"/>`, 45);
  if (/floral|flower|botanical|paisley/.test(words)) {
    return tile(24, `<g fill="${a}"><circle cx="8" cy="5" r="3"/><circle cx="8" cy="11" r="3"/><circle cx="5" cy="8" r="3"/><circle cx="11" cy="8" r="3"/></g><circle cx="8" cy="8" r="2" fill="${w}"/>`, 20);
  }
  if (/knit|woven|cable|crochet|weave/.test(words)) return tile(9, `<path d="M0 0l4.5 5L9 0M0 5l4.5 5L9 5" fill="none" stroke="${d}" stroke-width="1.3" opacity=".6"/>`);
  return `<linearGradient id="${id}" x1="0" y1="0" x2=".7" y2="1"><stop stop-color="${l}"/><stop offset="1" stop-color="${c}"/></linearGradient>`;
}

function shade([hue, saturation, light], by) {
  return [hue, saturation, Math.max(8, Math.min(96, light + by))];
}

function css([hue, saturation, light]) {
  return `hsl(${Math.round(hue)} ${Math.round(saturation)}% ${Math.round(light)}%)`;
}

function pick(random, list) {
  return list[Math.floor(random() * list.length)];
}
