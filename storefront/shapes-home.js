// What stands in a home, grows in it and is eaten there.

const line = (stroke, width = 3) => `fill="none" stroke="${stroke}" stroke-width="${width}" stroke-linecap="round" stroke-linejoin="round"`;
const LEAF = "hsl(134 36% 40%)";
const LEAF_DARK = "hsl(140 38% 30%)";

const leaf = (x, y, angle, length, colour = LEAF) =>
  `<path transform="translate(${x} ${y}) rotate(${angle})" d="M0 0q${length * 0.36}-${length * 0.5} 0-${length}q-${length * 0.36} ${length * 0.5} 0 ${length}z" fill="${colour}"/>`;

const flower = (x, y, size, colour, heart) =>
  `${Array.from({ length: 6 }, (_, n) => `<circle cx="${x + size * 0.7 * Math.cos(n * 1.05)}" cy="${y + size * 0.7 * Math.sin(n * 1.05)}" r="${size * 0.55}" fill="${colour}"/>`).join("")}<circle cx="${x}" cy="${y}" r="${size * 0.45}" fill="${heart}"/>`;

const plate = `<ellipse cx="100" cy="150" rx="76" ry="18" fill="#fffdf8"/><ellipse cx="100" cy="147" rx="58" ry="11" fill="#e9e5dc"/>`;

function blossoms({ c, a, l, gold, between, random }) {
  const places = [[100, 58], [70, 74], [130, 72], [84, 92], [118, 94], [100, 78]];
  const leaves = [-62, -38, 38, 62].map((turn) => leaf(100, 104, turn, between(52, 66), random() < 0.5 ? LEAF : LEAF_DARK));
  return leaves.join("") + places.map(([x, y], n) => flower(x + between(-4, 4), y + between(-4, 4), between(13, 18), [c, a, l][n % 3], gold)).join("");
}

function kitchen(paint) {
  const { c, d, l, a, w, fill, ink, has } = paint;
  if (has("knife", "cleaver", "cutlery", "fork", "spoon")) {
    return `<g transform="rotate(38 100 100)"><path d="M88 20q30 18 26 84H88z" fill="#d4dae0"/><path d="M88 20q14 20 12 84H88z" fill="#eef1f4"/><rect x="86" y="104" width="26" height="10" rx="2" fill="${d}"/><path d="M88 114h22l4 62q-14 8-28 0z" fill="${c}"/><circle cx="99" cy="130" r="3" fill="${l}"/><circle cx="99" cy="152" r="3" fill="${l}"/></g>`;
  }
  if (has("tea", "kettle", "pitcher", "jug")) {
    return `<path d="M134 92q42-10 34 34-8 20-34 20" ${line(d, 10)}/><path d="M52 106q-24 0-36-32l12-6q10 20 30 22z" fill="${d}"/><path d="M46 116q0-50 52-50t52 50-20 50H66q-20 0-20-50z" fill="${fill}"/><path d="M66 74q32-22 64 0l-4 8H70z" fill="${a}"/><circle cx="98" cy="54" r="8" fill="${d}"/>`;
  }
  if (has("mug", "cup", "coffee", "espresso")) {
    return `<path d="M138 84q38-4 34 28t-42 26" ${line(d, 11)}/><path d="M46 66h96v66q0 34-34 34H80q-34 0-34-34z" fill="${fill}"/><ellipse cx="94" cy="66" rx="48" ry="10" fill="${l}"/><ellipse cx="94" cy="67" rx="40" ry="7" fill="#5b3a29"/><path d="M78 48q-8-12 0-22M98 48q-8-12 0-22" ${line(w, 4)} opacity=".8"/>`;
  }
  if (has("wine", "glass", "goblet", "flute", "tumbler", "stemware")) {
    return `<path d="M66 38h68q6 58-34 66-40-8-34-66z" fill="#fff" opacity=".62"/><path d="M67 62q33-8 66 0 0 34-33 40-33-6-33-40z" fill="${c}" opacity=".9"/><path d="M100 104v54" stroke="#fff" stroke-width="7" opacity=".8"/><ellipse cx="100" cy="162" rx="34" ry="7" fill="#fff" opacity=".85"/><path d="M76 46q-2 30 8 42" ${line("#fff", 4)} opacity=".8"/>`;
  }
  if (has("pan", "skillet", "wok", "grill")) {
    return `<rect x="126" y="104" width="66" height="13" rx="6" transform="rotate(-14 126 110)" fill="${d}"/><ellipse cx="84" cy="124" rx="64" ry="34" fill="${ink}"/><ellipse cx="84" cy="118" rx="64" ry="32" fill="${c}"/><ellipse cx="84" cy="119" rx="52" ry="24" fill="${d}"/>`;
  }
  return `<path d="M38 100H22v16h16M162 100h16v16h-16" ${line(d, 9)}/><path d="M38 86h124v58q0 22-22 22H60q-22 0-22-22z" fill="${fill}"/><path d="M32 84q68-44 136 0z" fill="${l}"/><rect x="30" y="80" width="140" height="9" rx="4.5" fill="${d}"/><circle cx="100" cy="56" r="8" fill="${a}"/>`;
}

export const home = {
  tables: ({ fill, c, d, l, has, random }) =>
    has("desk", "workstation", "secretary")
      ? `<path d="M34 96v70M166 96v70" ${line(d, 8)}/><rect x="24" y="84" width="152" height="14" rx="4" fill="${fill}"/><rect x="112" y="98" width="54" height="46" fill="${c}"/><path d="M112 120h54M132 109h14M132 131h14" ${line(l, 3)}/><path d="M60 84V62l20-16" ${line(d, 4)}/><path d="M74 38l22 16-20 10z" fill="${l}"/>`
      : random() < 0.5 || has("round")
        ? `<path d="M100 96v52M100 146l-34 20M100 146l34 20" ${line(d, 9)}/><ellipse cx="100" cy="94" rx="78" ry="18" fill="${d}"/><ellipse cx="100" cy="88" rx="78" ry="18" fill="${fill}"/>`
        : `<path d="M44 100l-10 66M156 100l10 66M64 98l-2 54M136 98l2 54" ${line(d, 8)}/><path d="M36 82h128l14 16H22z" fill="${fill}"/><rect x="22" y="98" width="156" height="8" rx="2" fill="${c}"/><path d="M60 90h60" ${line(l, 2)} opacity=".6"/>`,
  chairs: ({ fill, d, l, has }) =>
    has("armchair", "lounge", "barber", "recliner", "accent", "upholster")
      ? `<path d="M52 150l-8 18M148 150l8 18" ${line(d, 7)}/><path d="M56 46q44-18 88 0v78H56z" fill="${fill}"/><path d="M30 92q0-14 14-14t14 14v22h84V92q0-14 14-14t14 14v62H30z" fill="${fill}" stroke="${d}" stroke-width="3"/><rect x="58" y="110" width="84" height="24" rx="10" fill="${l}"/>`
      : `<path d="M66 118l-8 50M134 118l8 50M72 112l4 40M128 112l-4 40" ${line(d, 7)}/><path d="M64 32q36-10 72 0l-4 74H68z" fill="none" stroke="${d}" stroke-width="8" stroke-linejoin="round"/><path d="M84 34v70M100 32v72M116 34v70" ${line(l, 5)}/><path d="M56 106h88l8 14H48z" fill="${fill}"/>`,
  sofas: ({ fill, c, d, l, a }) =>
    `<path d="M34 150v16M166 150v16" ${line(d, 8)}/><rect x="34" y="70" width="132" height="66" rx="16" fill="${c}"/><rect x="12" y="92" width="30" height="62" rx="14" fill="${fill}"/><rect x="158" y="92" width="30" height="62" rx="14" fill="${fill}"/><rect x="38" y="112" width="62" height="40" rx="9" fill="${l}"/><rect x="100" y="112" width="62" height="40" rx="9" fill="${l}"/><path d="M52 80l26 6-6 28-26-6z" fill="${a}"/><path d="M100 114v36" stroke="${d}" stroke-width="2"/>`,
  dressers: ({ fill, d, l, gold, has }) =>
    `<path d="M48 150v18M152 150v18" ${line(d, 8)}/><rect x="36" y="${has("bookcase", "tall", "wardrobe", "armoire") ? 30 : 60}" width="128" height="${has("bookcase", "tall", "wardrobe", "armoire") ? 124 : 94}" rx="5" fill="${fill}"/>${[68, 98, 128].map((y) => `<rect x="44" y="${y}" width="112" height="24" rx="3" fill="${l}" stroke="${d}" stroke-width="1.5"/><circle cx="84" cy="${y + 12}" r="3.4" fill="${gold}"/><circle cx="116" cy="${y + 12}" r="3.4" fill="${gold}"/>`).join("")}<rect x="30" y="${has("bookcase", "tall", "wardrobe", "armoire") ? 24 : 54}" width="140" height="9" rx="3" fill="${d}"/>`,
  lighting: ({ fill, d, l, gold, has }) =>
    has("candle", "lantern")
      ? `<rect x="70" y="58" width="60" height="104" rx="8" fill="#fff" opacity=".55" stroke="${d}" stroke-width="5"/><rect x="86" y="106" width="28" height="54" rx="3" fill="${l}"/><path d="M100 78q14 16 0 26-14-10 0-26z" fill="#f5b443"/><path d="M76 54h48l-8-16H84z" fill="${d}"/><path d="M88 36q12-20 24 0" ${line(d, 4)}/>`
      : has("pendant", "chandelier", "ceiling")
        ? `<path d="M100 0v50" stroke="${d}" stroke-width="4"/><path d="M48 116q0-68 52-68t52 68z" fill="${fill}"/><ellipse cx="100" cy="116" rx="52" ry="11" fill="${d}"/><circle cx="100" cy="122" r="15" fill="#ffe9a8"/><path d="M60 134l-14 30M100 142v26M140 134l14 30" ${line("#ffe9a8", 4)} opacity=".8"/>`
        : `<path d="M62 92h76l-18-58H80z" fill="${fill}"/><path d="M62 92h76l-3-10H65z" fill="${l}"/><path d="M100 92v12" stroke="${gold}" stroke-width="7"/><path d="M100 102q34 24 14 56H86q-20-32 14-56z" fill="${d}"/><rect x="76" y="156" width="48" height="11" rx="5" fill="${gold}"/><path d="M44 108l-14 8M156 108l14 8M100 20V8" ${line("#ffe08a", 4)}/>`,
  decorative: ({ fill, d, l, a, gold, has }) =>
    has("poster", "print", "painting", "canvas", "frame", "mirror", "sign", "art")
      ? `<rect x="42" y="28" width="116" height="136" fill="${d}"/><rect x="50" y="36" width="100" height="120" fill="#fffdf6"/><rect x="60" y="46" width="80" height="100" fill="${l}"/><circle cx="118" cy="74" r="15" fill="${gold}"/><path d="M60 146v-30l26-28 22 26 14-12 18 20v24z" fill="${a}"/>`
      : `<path d="M84 36h32l-4 26q36 22 24 70-6 34-36 34t-36-34q-12-48 24-70z" fill="${fill}"/><path d="M64 112q36 16 72 0l-1 16q-35 14-70 0z" fill="${a}" opacity=".85"/><path d="M80 86q-10 18-6 40" ${line(l, 6)} opacity=".7"/><ellipse cx="100" cy="36" rx="17" ry="5" fill="${d}"/>`,
  cushion: ({ fill, d, l, a }) =>
    `<path d="M36 52q64-18 128 0 16 52 0 106-64 16-128 0-16-54 0-106z" fill="${fill}" stroke="${d}" stroke-width="3"/><path d="M48 64q52-14 104 0 12 42 0 82-52 12-104 0-12-40 0-82z" ${line(l, 2)} stroke-dasharray="5 5"/><circle cx="100" cy="105" r="7" fill="${a}"/><path d="M36 52l-8-10M164 52l8-10M36 158l-8 8M164 158l8 8" ${line(a, 6)}/>`,
  clock: ({ c, d, ink, gold, w, has }) =>
    has("tower", "grandfather", "mantel")
      ? `<path d="M66 168V60q34-42 68 0v108z" fill="${c}"/><rect x="60" y="158" width="80" height="10" fill="${d}"/><circle cx="100" cy="80" r="25" fill="${w}"/><path d="M100 80V64M100 80l10 6" ${line(ink, 3.5)}/><rect x="86" y="112" width="28" height="40" rx="3" fill="${d}"/><path d="M100 112v22" stroke="${gold}" stroke-width="3"/><circle cx="100" cy="138" r="7" fill="${gold}"/>`
      : `<circle cx="100" cy="100" r="66" fill="${d}"/><circle cx="100" cy="100" r="57" fill="${w}"/>${Array.from({ length: 12 }, (_, n) => `<path d="M100 50v${n % 3 ? 5 : 11}" transform="rotate(${n * 30} 100 100)" stroke="${c}" stroke-width="${n % 3 ? 3 : 5}"/>`).join("")}<path d="M100 100V66M100 100l24 16" ${line(ink, 5)}/><circle cx="100" cy="100" r="5.5" fill="${c}"/>`,
  kitchen,
  bowls: ({ fill, d, l, a, has, random }) =>
    has("fruit", "salad", "soup", "bliss") || random() < 0.3
      ? `<circle cx="74" cy="92" r="20" fill="${a}"/><circle cx="106" cy="86" r="22" fill="#e8b24c"/><circle cx="132" cy="96" r="17" fill="${LEAF}"/><path d="M30 98h140q-6 68-70 68T30 98z" fill="${fill}"/><rect x="26" y="94" width="148" height="9" rx="4.5" fill="${l}"/>`
      : `<ellipse cx="100" cy="92" rx="72" ry="17" fill="${d}"/><ellipse cx="100" cy="94" rx="60" ry="11" fill="${l}"/><path d="M28 92q4 74 72 74t72-74q-14 18-72 18T28 92z" fill="${fill}"/><path d="M44 122q56 20 112 0" ${line(a, 5)}/>`,
  plant: ({ a, ad, between, random, has }) => {
    const pot = `<path d="M66 122h68l-8 46H74z" fill="${a}"/><rect x="60" y="114" width="80" height="14" rx="4" fill="${ad}"/>`;
    if (has("cactus", "succulent")) return `<path d="M84 118V60q0-18 16-18t16 18v58z" fill="${LEAF}"/><path d="M84 92H70q-8 0-8-10V70M116 84h12q8 0 8-10V62" ${line(LEAF, 13)}/><path d="M94 56v54M106 56v54" ${line(LEAF_DARK, 2)}/>${pot}`;
    return `${[-70, -46, -22, 0, 22, 46, 70].map((turn) => leaf(100, 118, turn + between(-6, 6), between(62, 92), random() < 0.5 ? LEAF : LEAF_DARK)).join("")}${pot}`;
  },
  bouquet: (paint) => `<path d="M72 106h56l-18 62H90z" fill="${paint.ad}"/><path d="M72 106h56l-8 20H80z" fill="#fffdf8" opacity=".6"/>${blossoms(paint)}<path d="M84 134q16 12 32 0" ${line(paint.gold, 5)}/>`,
  arrangement: (paint) => `<path d="M78 106h44q10 44-4 62H82q-14-18-4-62z" fill="#fff" opacity=".75"/><path d="M76 134h48q2 22-6 34H82q-8-12-6-34z" fill="${paint.l}" opacity=".7"/>${blossoms(paint)}`,
  centerpiece: (paint) => `<path d="M40 124h120q-10 44-60 44t-60-44z" fill="${paint.ad}"/><g transform="translate(0 22)">${blossoms(paint)}</g>`,
  wreath: ({ c, a, gold, between }) =>
    `${Array.from({ length: 26 }, (_, n) => { const turn = n * 13.85; return `<g transform="rotate(${turn} 100 98) translate(100 ${98 - 54})">${leaf(0, 8, 70 + between(-16, 16), 30, n % 2 ? LEAF : LEAF_DARK)}${n % 4 === 0 ? `<circle r="6.5" cy="${between(-4, 6)}" fill="${n % 8 ? a : c}"/>` : ""}</g>`; }).join("")}<path d="M100 152l-20-12v22zM100 152l20-12v22z" fill="${a}"/><circle cx="100" cy="151" r="6" fill="${gold}"/>`,
  bakery: ({ c, d, l, a, has }) =>
    has("cupcake", "muffin")
      ? `<path d="M62 108h76l-12 58H74z" fill="${a}"/><path d="M76 112l4 50M92 112l2 52M108 112l-2 52M124 112l-4 50" ${line("#fff", 2)} opacity=".6"/><path d="M52 110q-4-26 20-30 4-30 30-34 26 6 26 34 24 4 20 30z" fill="${l}"/><circle cx="100" cy="42" r="9" fill="#c8354a"/>`
      : has("cake", "pie", "tart", "cheesecake")
        ? `${plate}<path d="M42 96h116v44q-58 20-116 0z" fill="${c}"/><ellipse cx="100" cy="96" rx="58" ry="17" fill="${l}"/><path d="M42 96q58 34 116 0v14${"a9.7 9.7 0 0 1-19.3 3".repeat(3)}${"a9.7 9.7 0 0 1-19.3-3".repeat(3)}z" fill="${a}"/><circle cx="100" cy="88" r="9" fill="#c8354a"/>`
        : has("donut", "bagel", "roll")
          ? `<circle cx="100" cy="108" r="56" fill="${c}"/><path d="M46 104a54 52 0 0 1 108 0q-8 18-18 6t-22 8-28-4-20 4-20-14z" fill="${a}"/><circle cx="100" cy="108" r="19" fill="${d}"/><path d="M70 82l8 5M120 74l-5 8M134 96l-8 2M92 70l2 8" ${line("#fff", 4)}/>`
          : `${plate}<path d="M30 124q-2-52 70-54t70 54q-6 22-70 22t-70-22z" fill="${c}"/><path d="M58 88q10 14 6 32M92 80q10 16 6 34M126 84q10 14 6 32" ${line(l, 7)}/><path d="M34 132q66 22 132 0" ${line(d, 3)} opacity=".5"/>`,
  vegetables: ({ c, d, l, has }) =>
    has("carrot")
      ? [-22, 0, 22].map((turn) => `<g transform="rotate(${turn} 100 60)"><path d="M84 66h32l-16 98z" fill="hsl(24 86% 56%)"/>${leaf(100, 68, -22, 44)}${leaf(100, 68, 22, 44)}</g>`).join("")
      : has("tomato", "pepper")
        ? `<circle cx="74" cy="120" r="42" fill="hsl(6 74% 50%)"/><circle cx="128" cy="124" r="38" fill="${has("pepper") ? c : "hsl(14 78% 54%)"}"/>${leaf(74, 84, -60, 26)}${leaf(74, 84, 60, 26)}${leaf(128, 92, -60, 22)}${leaf(128, 92, 60, 22)}`
        : `<circle cx="100" cy="116" r="50" fill="${c}"/><path d="M100 168q-64-16-52-78 30 10 52 78zM100 168q64-16 52-78-30 10-52 78z" fill="${d}"/><path d="M100 166q-24-50 0-92 24 42 0 92z" fill="${l}"/><path d="M100 160V92" ${line(d, 3)}/>`,
  fruits: ({ c, d, a, has }) =>
    has("banana")
      ? `<path d="M42 64q16 92 112 76 12-2 12-12-60 8-96-70z" fill="hsl(48 86% 58%)"/><path d="M40 66l8-16 14 6-4 12z" fill="#6b4a2b"/><path d="M52 74q26 60 96 58" ${line("hsl(42 80% 46%)", 3)}/>`
      : has("grape", "berry", "berries", "cherry")
        ? `${[[76, 84], [100, 80], [124, 84], [88, 106], [112, 106], [100, 128], [76, 118], [124, 120], [100, 150]].map(([x, y], n) => `<circle cx="${x}" cy="${y}" r="16" fill="${n % 2 ? c : d}"/><circle cx="${x - 5}" cy="${y - 5}" r="4" fill="#fff" opacity=".5"/>`).join("")}<path d="M100 66V44" ${line("#6b4a2b", 5)}/>${leaf(100, 56, 66, 36)}`
        : `<circle cx="76" cy="116" r="44" fill="${c}"/><circle cx="132" cy="128" r="36" fill="${a}"/><path d="M76 76q-2-18 8-26" ${line("#6b4a2b", 5)}/>${leaf(80, 66, 62, 34)}<circle cx="60" cy="100" r="9" fill="#fff" opacity=".45"/><circle cx="120" cy="114" r="7" fill="#fff" opacity=".45"/>`,
  meat: ({ c, d, l }) => `${plate}<path d="M36 118q-6-46 50-50 30-2 50 18 32 8 26 36-8 26-62 22-60 0-64-26z" fill="${c}"/><path d="M50 114q0-30 38-32 26 0 40 14 20 6 20 22-10 16-46 12-48 2-52-16z" fill="${l}"/><circle cx="84" cy="106" r="12" fill="#fffdf8"/><circle cx="84" cy="106" r="5" fill="${d}"/>`,
  seafood: ({ c, d, l, has }) =>
    has("crab", "lobster", "shrimp", "prawn")
      ? `<ellipse cx="100" cy="116" rx="46" ry="34" fill="${c}"/><path d="M58 104Q34 92 40 62M142 104q24-12 18-42M60 128l-28 10M62 138l-20 22M140 128l28 10M138 138l20 22" ${line(d, 9)}/><path d="M28 60q12-26 28-6l-14 8zM172 60q-12-26-28-6l14 8z" fill="${c}"/><circle cx="86" cy="96" r="6" fill="#222"/><circle cx="114" cy="96" r="6" fill="#222"/><path d="M82 126q18 12 36 0" ${line(l, 4)}/>`
      : `${plate}<path d="M22 110q50-62 108-18l32-24q-4 34 4 62l-36-18q-60 38-108-2z" fill="${c}"/><path d="M60 84q22 22 4 50" ${line(d, 4)}/><circle cx="46" cy="104" r="5" fill="#222"/><path d="M84 92q8 8 0 18M102 92q8 8 0 18" ${line(l, 4)}/>`,
  dairy: ({ c, d, l, has }) =>
    has("milk", "yogurt", "cream")
      ? `<path d="M72 62h56l14 30v76H58V92z" fill="#fffdf8"/><path d="M80 36h40v26H80z" fill="${d}"/><rect x="58" y="104" width="84" height="42" fill="hsl(208 60% 62%)"/><circle cx="100" cy="125" r="13" fill="#fffdf8"/>`
      : `<path d="M24 120l128-58q24 18 24 58z" fill="${l}"/><path d="M24 120h152v44H24z" fill="${c}"/><circle cx="64" cy="142" r="10" fill="${d}"/><circle cx="118" cy="148" r="7" fill="${d}"/><circle cx="148" cy="134" r="9" fill="${d}"/><circle cx="126" cy="100" r="8" fill="${d}" opacity=".6"/>`,
};
