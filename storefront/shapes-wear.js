// What is worn and carried; each function draws into a box of 200 × 200 with the ground at 168.

const line = (stroke, width = 3) => `fill="none" stroke="${stroke}" stroke-width="${width}" stroke-linecap="round" stroke-linejoin="round"`;

const pair = (shoe) => `<g transform="translate(16 -22) scale(.94)" opacity=".82">${shoe}</g><g transform="translate(-6 4)">${shoe}</g>`;

function heel({ c, d, l }) {
  return pair(`<path d="M46 152c-6-22 2-36 18-38 24 0 34 30 92 36 8 2 10 10 8 14H96c-24-6-30-26-40-30z" fill="${c}"/><path d="M48 128l-8 36h6l12-30z" fill="${d}"/><path d="M64 114c22 2 32 28 66 34-30 4-50-8-66-34z" fill="${l}"/>`);
}

function oxford({ c, d, l, w }) {
  return pair(`<path d="M36 150v-38c20 8 36 4 44-4 18 24 46 26 70 34 10 4 12 12 12 16H36z" fill="${c}"/><path d="M32 156h132v10H92l-6 2H32z" fill="${d}"/><path d="M82 110c18 26 50 26 70 36" ${line(l)}/><path d="M88 118l12-8M98 128l12-8M110 134l10-8" ${line(w, 2.4)}/>`);
}

function bag(paint) {
  const { fill, c, d, l, gold, has } = paint;
  if (has("tote", "shopper", "basket")) {
    return `<path d="M70 82c0-54 60-54 60 0" ${line(d, 6)}/><path d="M44 78h112l10 90H34z" fill="${fill}"/><path d="M44 78h112l2 14H42z" fill="${l}"/>`;
  }
  if (has("clutch", "wallet", "pouch")) {
    return `<rect x="34" y="82" width="132" height="82" rx="10" fill="${fill}"/><path d="M34 92q66 72 132 0v-2a10 10 0 0 0-10-8H44a10 10 0 0 0-10 8z" fill="${d}"/><circle cx="100" cy="128" r="7" fill="${gold}"/>`;
  }
  return `<path d="M62 92c2-66 74-66 76 0" ${line(d, 6)}/><path d="M46 88h108q8 0 9 8l8 62q1 10-9 10H38q-10 0-9-10l8-62q1-8 9-8z" fill="${fill}"/><path d="M38 90h124l-6 36q-56 22-112 0z" fill="${c}"/><path d="M44 126q56 22 112 0" ${line(d, 2)}/><rect x="91" y="122" width="18" height="22" rx="4" fill="${gold}"/>`;
}

export const wear = {
  backpack: ({ fill, c, d, l, a, gold }) =>
    `<path d="M80 54c0-30 40-30 40 0" ${line(d, 7)}/><path d="M46 86q-18 8-16 44v18q0 8 16 8zM154 86q18 8 16 44v18q0 8-16 8z" fill="${d}"/><path d="M46 168V86q0-42 54-42t54 42v82q0 2-6 2H52q-6 0-6-2z" fill="${fill}"/><path d="M46 92q54-26 108 0" ${line(d)}/><rect x="60" y="116" width="80" height="46" rx="10" fill="${c}" stroke="${d}" stroke-width="2.5"/><path d="M60 128h80" stroke="${l}" stroke-width="3"/><path d="M84 62v30M116 62v30" stroke="${a}" stroke-width="7"/><circle cx="100" cy="128" r="5" fill="${gold}"/>`,
  handbag: bag,
  bag,
  belt: ({ c, d, gold, w, fill }) =>
    `<path d="M30 116c0-56 140-56 140 0 0 44-120 46-134 14" ${line(d, 22)}/><path d="M30 116c0-56 140-56 140 0 0 44-120 46-134 14" fill="none" stroke="${c}" stroke-width="18" stroke-linecap="round"/><path d="M42 118c2-44 116-44 118 0" fill="none" stroke="${w}" stroke-width="1.6" stroke-dasharray="5 4" opacity=".7"/><rect x="14" y="98" width="40" height="42" rx="7" fill="none" stroke="${gold}" stroke-width="7"/><path d="M34 119h24" stroke="${gold}" stroke-width="5"/>`,
  glasses: ({ d, c, has, a, pick }) => {
    const dark = has("sunglass", "shade", "aviator", "sun");
    const lens = dark ? `fill="${d}" fill-opacity=".86"` : `fill="#fff" fill-opacity=".5"`;
    const shapes = [`<circle cx="62" cy="108" r="32"/><circle cx="138" cy="108" r="32"/>`, `<rect x="26" y="84" width="68" height="50" rx="16"/><rect x="106" y="84" width="68" height="50" rx="16"/>`, `<path d="M28 88q34-10 66 0 2 50-32 50T28 88zM106 88q34-10 66 0 0 50-34 50t-32-50z"/>`];
    return `<path d="M28 98l-12-12M172 98l12-12M94 102q6-8 12 0" ${line(c, 6)}/><g ${lens} stroke="${dark ? a : c}" stroke-width="6">${pick(shapes)}</g><path d="M46 96l14-8M122 96l14-8" ${line("#fff", 4)} opacity=".7"/>`;
  },
  watch: ({ c, d, gold, w, ink, l, has }) =>
    `<path d="M78 26h44l6 44H72zM72 130h56l-6 46H78z" fill="${c}"/><path d="M84 34v28M116 34v28M84 140v28M116 140v28" ${line(l, 1.6)} stroke-dasharray="4 4"/><rect x="142" y="93" width="9" height="14" rx="3" fill="${gold}"/><circle cx="100" cy="100" r="46" fill="${has("silver", "steel") ? "#b9c0c8" : gold}"/><circle cx="100" cy="100" r="37" fill="${has("black", "dark") ? ink : w}"/><path d="M100 72v6M100 122v6M72 100h6M122 100h6" ${line(d, 3)}/><path d="M100 100V80M100 100l15 9" ${line(has("black", "dark") ? w : ink, 4)}/><circle cx="100" cy="100" r="4" fill="${d}"/>`,
  jacket: ({ fill, c, d, gold, w, has }) => {
    const inside = has("dress", "jumpsuit", "gown") ? "" : `<path d="M86 44l14 30 14-30-14-8z" fill="${w}"/><path d="M100 74v92" stroke="${d}" stroke-width="2.5"/>`;
    const body = has("dress", "jumpsuit", "gown", "skirt") ? `<path d="M74 40l12 10h28l12-10 6 46-8 14 28 68H48l28-68-8-14z" fill="${fill}"/><path d="M76 100h48" stroke="${d}" stroke-width="6"/>` : `<path d="M70 40L42 56 24 146l22 6 12-46v62h84v-62l12 46 22-6-18-90-28-16-16 8H86z" fill="${fill}"/><path d="M58 106v58M142 106v58" ${line(d, 2)}/>`;
    return `${body}${inside}<path d="M70 40l16 6 12 36-22-14zM130 40l-16 6-12 36 22-14z" fill="${c}" stroke="${d}" stroke-width="2"/>${inside && [104, 122, 140].map((y) => `<circle cx="107" cy="${y}" r="2.8" fill="${gold}"/>`).join("")}`;
  },
  shirt: ({ fill, d, l, w, has }) =>
    `<path d="M72 42L38 60 22 104l24 10 14-26v80h80V88l14 26 24-10-16-44-34-18q-28 20-56 0z" fill="${fill}"/>${has("tee", "t-shirt", "crew") ? `<path d="M72 42q28 26 56 0" ${line(d, 5)}/>` : `<path d="M72 42l28 24 28-24 6 10-24 26-10-12-10 12-24-26z" fill="${l}" stroke="${d}" stroke-width="1.5"/><path d="M100 68v98" stroke="${d}" stroke-width="2"/>${[88, 108, 128, 148].map((y) => `<circle cx="100" cy="${y}" r="2.6" fill="${w}"/>`).join("")}`}`,
  scarf: ({ fill, d, l }) =>
    `<path d="M52 66q48-38 96 0 6 22-10 34-38 20-76 0-16-12-10-34z" fill="${fill}" stroke="${d}" stroke-width="2"/><path d="M64 70q36-20 72 0-6 16-36 16t-36-16z" fill="${d}" opacity=".55"/><path d="M84 96l-16 62 32 6 10-62z" fill="${fill}" stroke="${d}" stroke-width="2"/><path d="M106 98l14 58 26-8-18-52z" fill="${fill}" stroke="${d}" stroke-width="2"/><path d="M70 158l-2 10M78 160l-1 10M88 162l-1 10M98 164v8M124 156l3 10M132 153l4 10M142 150l4 9" ${line(l)}/>`,
  socks: ({ fill, c, d, a }) => {
    const sock = `<path d="M70 36h38v70l34 30q10 12-2 24-10 8-24 0L76 132q-6-6-6-16z" fill="${fill}"/><path d="M68 32h42v16H68z" rx="4" fill="${a}"/><path d="M118 160q14 6 24-4 8-10-2-20l-8-6q-12 14-14 30z" fill="${a}"/><path d="M72 118q2 14 14 20l22-30v-2z" fill="${d}" opacity=".45"/>`;
    return `<g transform="translate(26 -2)" opacity=".85">${sock}</g><g transform="translate(-24 8)">${sock}</g>`;
  },
  formal: (paint) => (paint.has("pump", "heel", "stiletto", "slingback") ? heel(paint) : oxford(paint)),
  sneaker: ({ fill, c, d, a, w }) =>
    pair(`<path d="M30 148v-42q16 10 34 2l20-14q18 30 48 36 30 4 32 22z" fill="${fill}"/><path d="M28 146h136q4 16-8 20H36q-10-2-8-20z" fill="${w}"/><path d="M28 158h136" stroke="${a}" stroke-width="3"/><path d="M84 94l-20 14q20 30 40 38h20q-26-14-40-52z" fill="${d}" opacity=".55"/><path d="M82 112l14-8M90 122l14-8M100 130l12-8" ${line(w, 3)}/><path d="M34 138q18-22 40-4" ${line(a, 5)}/>`),
  boot: ({ fill, d, l, a, has }) => {
    const top = has("ankle", "chelsea", "hiking", "booties") ? 70 : 36;
    const laced = has("hiking", "combat", "lace", "trail", "rugged", "moto");
    const lacing = `<path d="M98 78l22 6M96 92l22 6M98 106l20 4" ${line(a, 3.5)}/>`;
    return `<path d="M58 ${top}h56v${108 - top}q10 14 36 18 14 4 14 30H58z" fill="${fill}"/><path d="M54 154h112v12H96l-6-4-6 6H54z" fill="${d}"/><path d="M114 108q-16 2-22 16" ${line(d)}/><path d="M58 ${top}h56v9H58z" fill="${d}" opacity=".6"/>${laced ? lacing : `<path d="M74 ${top + 18}v${90 - top}" ${line(l, 4)} opacity=".7"/>`}`;
  },
  sandals: ({ c, d, l, a }) => {
    const sole = `<path d="M62 60q8-26 30-22 26 6 20 46-6 30 0 56-2 26-24 26t-24-30q-2-14 2-34-6-20-4-42z" fill="${l}" stroke="${d}" stroke-width="3"/><path d="M62 72q24 22 50 2M64 92l44-2M64 128q20-14 48 2" ${line(c, 9)}/><circle cx="88" cy="84" r="5" fill="${a}"/>`;
    return `<g transform="translate(-30 6) rotate(-8 90 100)">${sole}</g><g transform="translate(46 0) rotate(10 90 100)">${sole}</g>`;
  },
  bracelet: ({ c, d, l, gold, a, has }) =>
    has("bead", "charm", "stone", "pearl")
      ? Array.from({ length: 18 }, (_, n) => `<circle cx="${100 + 56 * Math.cos(n / 2.865)}" cy="${106 + 44 * Math.sin(n / 2.865)}" r="10" fill="${n % 3 ? c : gold}" stroke="${d}" stroke-width="1"/>`).join("")
      : `<ellipse cx="100" cy="108" rx="62" ry="46" ${line(gold, 15)}/><ellipse cx="100" cy="102" rx="62" ry="46" ${line(l, 3)}/><path d="M86 60l14-14 14 14-14 16z" fill="${a}" stroke="${d}" stroke-width="2"/>`,
  necklace: ({ c, d, l, gold }) =>
    `<path d="M44 40q0 78 56 92 56-14 56-92" ${line(gold, 4)} stroke-dasharray="1 6"/><path d="M44 40q0 78 56 92 56-14 56-92" ${line(gold, 1.6)}/><path d="M100 126l18 16-18 26-18-26z" fill="${c}" stroke="${gold}" stroke-width="4"/><path d="M82 142h36M100 126v42" ${line(l, 1.6)}/>`,
  earrings: ({ c, d, l, gold, has }) => {
    const one = has("hoop") ? `<circle cx="0" cy="46" r="30" ${line(gold, 7)}/><circle cx="0" cy="14" r="5" fill="${c}"/>` : `<path d="M0-6q10-8 4 12" ${line(gold, 3.5)}/><circle cx="2" cy="16" r="9" fill="${l}" stroke="${gold}" stroke-width="3"/><path d="M2 26q22 36 0 56-22-20 0-56z" fill="${c}" stroke="${gold}" stroke-width="3"/>`;
    return `<g transform="translate(64 50)">${one}</g><g transform="translate(134 58)">${one}</g>`;
  },
};
