// What all pictures share: marks that differ by shape and fill, axes, and a table behind each picture.

const SHAPES = ["circle", "square", "diamond", "triangle", "pentagon", "star", "cross", "wedge"];
const RADIUS = 6;
const TEXT_HEIGHT = 15;

let pictures = 0;

// A framework has one colour and one shape everywhere; main modes are filled, others hollow.
function seriesOf(cell) {
  return CELLS.adapter.of[cell] % SHAPES.length;
}

function mark(cell, x, y, title) {
  const series = seriesOf(cell);
  const kind = isMain(cell) && isEntrant(cell) ? "filled" : "hollow";
  return shape(SHAPES[series], x, y, `mark s${series} ${kind}`, title);
}

function shape(name, x, y, kind, title) {
  const tip = title ? svg("title", {}, title) : null;
  if (name === "circle") return svg("circle", { cx: fix(x), cy: fix(y), r: RADIUS - 0.5, class: kind }, tip);
  return svg("path", { d: outline(name, x, y), class: kind }, tip);
}

function outline(name, x, y) {
  const r = RADIUS;
  const points = {
    square: [[-r + 1, -r + 1], [r - 1, -r + 1], [r - 1, r - 1], [-r + 1, r - 1]],
    diamond: [[0, -r - 1], [r + 1, 0], [0, r + 1], [-r - 1, 0]],
    triangle: [[0, -r - 0.5], [r + 0.5, r - 1], [-r - 0.5, r - 1]],
    wedge: [[0, r + 0.5], [r + 0.5, -r + 1], [-r - 0.5, -r + 1]],
    pentagon: around(5, () => r + 0.5),
    star: around(10, (n) => (n % 2 ? r * 0.45 : r + 1.5)),
    cross: [[-2, -r], [2, -r], [2, -2], [r, -2], [r, 2], [2, 2], [2, r], [-2, r], [-2, 2], [-r, 2], [-r, -2], [-2, -2]],
  }[name];
  return `M${points.map(([dx, dy]) => `${fix(x + dx)} ${fix(y + dy)}`).join("L")}Z`;
}

function around(count, radius) {
  return Array.from({ length: count }, (_, n) => {
    const angle = (2 * Math.PI * n) / count - Math.PI / 2;
    return [radius(n) * Math.cos(angle), radius(n) * Math.sin(angle)];
  });
}

function fix(value) {
  return Number(value.toFixed(2));
}

function svgText(x, y, words, attributes) {
  return svg("text", { x: fix(x), y: fix(y), ...attributes }, words);
}

// ---- Scales.

function linear(low, high, from, to) {
  const span = high - low || 1;
  return (value) => from + ((value - low) / span) * (to - from);
}

function logarithmic(low, high, from, to) {
  const scale = linear(Math.log(low), Math.log(high), from, to);
  return (value) => scale(Math.log(Math.max(value, low / 1e3)));
}

// A round number on an axis, without the digits that a computation leaves behind.
function tickNumber(value) {
  return grouped(String(Number(value.toPrecision(6))));
}

function evenTicks(low, high, most = 5) {
  const raw = (high - low) / most || 1;
  const magnitude = 10 ** Math.floor(Math.log10(raw));
  const step = [1, 2, 2.5, 5, 10].map((nice) => nice * magnitude).find((nice) => nice >= raw * 0.999);
  const ticks = [];
  for (let n = Math.ceil(low / step - 1e-9); n * step <= high * (1 + 1e-9); n += 1) ticks.push(Number((n * step).toPrecision(12)));
  return ticks;
}

// One, two and five times powers of ten, thinned out until few are left.
function logTicks(low, high, most = 6) {
  const ticks = [];
  for (let power = Math.floor(Math.log10(low)); power <= Math.ceil(Math.log10(high)); power += 1) {
    for (const step of [1, 2, 5]) {
      const value = Number((step * 10 ** power).toPrecision(3));
      if (value >= low * 0.999 && value <= high * 1.001) ticks.push(value);
    }
  }
  if (ticks.length < 2) return evenTicks(low, high, 4).filter((value) => value > 0);
  const decades = ticks.filter((value) => Math.abs(Math.log10(value) % 1) < 1e-9);
  if (ticks.length <= most) return ticks;
  return decades.length >= 2 ? decades : ticks.filter((_, n) => n % Math.ceil(ticks.length / most) === 0);
}

// A domain that leaves the outermost marks a little room; logarithmic ones only where values differ much.
function domain(values, wide = 3) {
  const [low, high] = [Math.min(...values), Math.max(...values)];
  if (low > 0 && high / low > wide) return { log: true, low: low / 1.25, high: high * 1.25 };
  const room = (high - low || high || 1) * 0.12;
  return { log: false, low: low > 0 ? Math.max(0, low - room) : low - room, high: high + room };
}

function scaleOf(found, from, to) {
  return found.log ? logarithmic(found.low, found.high, from, to) : linear(found.low, found.high, from, to);
}

function ticksOf(found, most) {
  return found.log ? logTicks(found.low, found.high, most) : evenTicks(found.low, found.high, most);
}

// ---- Figures.

// A picture with its title, how to read it, and the table behind it. It is drawn when it comes near the screen, as wide
// as its place, and again when that changes.
function figure(title, reading, draw, table) {
  const canvas = el("div", { class: "canvas" });
  const node = el(
    "figure",
    { class: "figure" },
    el("h4", {}, title),
    canvas,
    el("figcaption", { class: "small soft" }, reading),
    foldable(t("Table behind this picture"), table, { class: "behind" }),
  );
  canvas.draw = () => {
    const width = Math.max(280, Math.min(760, Math.floor(canvas.clientWidth || 640)));
    if (canvas.drawnWidth === width) return;
    canvas.drawnWidth = width;
    replaceChildren(canvas, picture(title, draw(width)));
  };
  watchPicture(canvas);
  return node;
}

function picture(title, drawn) {
  pictures += 1;
  const [name, words] = [`p${pictures}-title`, `p${pictures}-desc`];
  return svg(
    "svg",
    {
      role: "img",
      "aria-labelledby": `${name} ${words}`,
      viewBox: `0 0 ${drawn.width} ${Math.ceil(drawn.height)}`,
      width: drawn.width,
      height: Math.ceil(drawn.height),
    },
    svg("title", { id: name }, title),
    svg("desc", { id: words }, drawn.words),
    drawn.parts,
  );
}

let seen = null;

function watchPicture(canvas) {
  if (!("IntersectionObserver" in window)) {
    window.setTimeout(canvas.draw, 0);
    return;
  }
  if (!seen) {
    seen = new IntersectionObserver(
      (entries) => {
        for (const entry of entries) if (entry.isIntersecting) entry.target.draw();
      },
      { rootMargin: "600px" },
    );
  }
  seen.observe(canvas);
}

function drawPictures() {
  for (const canvas of document.querySelectorAll(".canvas")) canvas.draw();
}

function watchWidth() {
  let waiting = 0;
  window.addEventListener("resize", () => {
    window.clearTimeout(waiting);
    waiting = window.setTimeout(() => {
      for (const canvas of document.querySelectorAll(".canvas")) if (canvas.drawnWidth) canvas.draw();
    }, 150);
  });
  window.addEventListener("beforeprint", drawPictures);
}

// Rows one below the other, each with a line of text above its track: readable at any width.
const ROW = 44;

function trackRows(width, rows, scale, ticks, tickText, between = []) {
  const bottom = rows.length * ROW + 4;
  const edge = (x) => (x < 24 ? "start" : x > width - 24 ? "end" : "middle");
  return [
    ...between,
    ticks.map((value) => {
      const x = scale(value);
      return [
        svg("line", { class: "grid", x1: fix(x), x2: fix(x), y1: 0, y2: bottom }),
        svgText(x, bottom + 16, tickText(value), { class: "tick", "text-anchor": edge(x) }),
      ];
    }),
    rows.map((row, n) => [
      svgText(0, n * ROW + 14, row.name, { class: "name" }),
      svgText(width, n * ROW + 14, row.value, { class: "value", "text-anchor": "end" }),
      svg("line", { class: "track", x1: 0, x2: width, y1: n * ROW + 29, y2: n * ROW + 29 }),
      row.parts(n * ROW + 29),
    ]),
  ];
}

// Names beside marks where there is room; those without room are in the legend and the table.
function placedNames(points, from, width, height) {
  const taken = points.map((point) => box(point.x - RADIUS, point.y - RADIUS, 2 * RADIUS, 2 * RADIUS));
  return points.map((point) => {
    const length = point.name.length * 7 + 4;
    const spots = [
      [point.x + 10, point.y + 4, "start"],
      [point.x - 10, point.y + 4, "end"],
      [point.x, point.y - 12, "middle"],
      [point.x, point.y + 20, "middle"],
      [point.x + 8, point.y - 10, "start"],
      [point.x - 8, point.y + 18, "end"],
    ];
    for (const [x, y, anchor] of spots) {
      const left = anchor === "start" ? x : anchor === "end" ? x - length : x - length / 2;
      const place = box(left, y - 11, length, TEXT_HEIGHT);
      if (left < from || left + length > width || y < 10 || y > height) continue;
      if (taken.some((other) => overlaps(place, other))) continue;
      taken.push(place);
      return svgText(x, y, point.name, { class: "tag", "text-anchor": anchor });
    }
    return null;
  });
}

function box(x, y, width, height) {
  return { x, y, width, height };
}

function overlaps(a, b) {
  return a.x < b.x + b.width && b.x < a.x + a.width && a.y < b.y + b.height && b.y < a.y + a.height;
}

function axisTitleOf(title, found) {
  return found.log ? t("{axis} (logarithmic)", { axis: title }) : title;
}

// Two axes with marks: positions are values, names stand beside the marks.
function scatter(width, points, axes) {
  const height = Math.round(Math.min(360, Math.max(240, width * 0.62)));
  const [left, bottom, right] = [54, height - 40, width - 10];
  const [xs, ys] = [domain(points.map((point) => point.x)), domain(points.map((point) => point.y))];
  const [x, y] = [scaleOf(xs, left + 8, right - 8), scaleOf(ys, bottom - 8, 24)];
  const placed = points.map((point) => ({ ...point, x: x(point.x), y: y(point.y) }));
  return {
    height,
    x,
    y,
    placed,
    frame: [
      ticksOf(xs, width < 420 ? 4 : 6).map((value) => [
        svg("line", { class: "grid", x1: fix(x(value)), x2: fix(x(value)), y1: 14, y2: bottom }),
        svgText(x(value), bottom + 16, axes.xText(value), { class: "tick", "text-anchor": "middle" }),
      ]),
      ticksOf(ys, 5).map((value) => [
        svg("line", { class: "grid", x1: left, x2: right, y1: fix(y(value)), y2: fix(y(value)) }),
        svgText(left - 6, y(value) + 4, axes.yText(value), { class: "tick", "text-anchor": "end" }),
      ]),
      svgText(0, 8, axisTitleOf(axes.yTitle, ys), { class: "axis" }),
      svgText(right, height - 4, axisTitleOf(axes.xTitle, xs), { class: "axis", "text-anchor": "end" }),
    ],
    names: placedNames(placed, left, width, bottom),
  };
}

function legend(cells) {
  const frameworks = [...new Map(cells.map((cell) => [text("adapter", cell), cell])).values()];
  return el(
    "ul",
    { class: "legend" },
    frameworks.map((cell) =>
      el(
        "li",
        {},
        svg("svg", { width: 18, height: 18, "aria-hidden": "true" }, shape(SHAPES[seriesOf(cell)], 9, 9, `mark s${seriesOf(cell)} filled`)),
        text("title", cell),
      ),
    ),
    el("li", { class: "soft" }, t("filled: main mode, hollow: other mode or reference")),
  );
}
