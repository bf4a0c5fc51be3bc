// The pictures of one group. Each says in words how it is read, and has its numbers in a table behind it.

function plots(group, cells, base, pairs) {
  const timed = ordered(cells).filter((cell) => speed(cell) !== null);
  if (!timed.length) return null;
  return el(
    "div",
    { class: "plots" },
    legend(timed),
    el(
      "div",
      { class: "plot-grid" },
      base === null ? null : forest(group, timed, base, pairs),
      processes(timed),
      startAgainstSpeed(group, timed, pairs, base),
      pareto(group, timed),
      curves(timed),
      memoryBars(timed),
    ),
  );
}

// ---- Ratios with intervals.

function forest(group, cells, base, pairs) {
  const title = t("Speed relative to {row}", { row: text("label", base) });
  const rows = cells.map((cell) => {
    if (cell === base) return { cell, ratio: 1, low: null, high: null, verdict: { glyph: "", words: t("the row compared to") } };
    const pair = pairs.get(cell);
    return { cell, ratio: pair.ratio, low: pair.low, high: pair.high, verdict: verdictOf(pair) };
  });
  const delta = group.delta || 0;
  const draw = (width) => {
    const ratios = rows.map((row) => row.ratio);
    const [least, most] = [Math.min(...ratios), Math.max(...ratios)];
    const bounds = rows.flatMap((row) => [row.low, row.high]).filter((value) => value > least / 2 && value < most * 2);
    const all = [...ratios, ...bounds, 1 / (1 + delta), 1 + delta];
    const [low, high] = [Math.min(...all) / 1.03, Math.max(...all) * 1.03];
    const scale = logarithmic(low, high, 8, width - 8);
    const inside = (value) => Math.min(Math.max(scale(value), 0), width);
    const bottom = rows.length * ROW + 4;
    const band = svg("rect", {
      class: "band",
      x: fix(scale(1 / (1 + delta))),
      width: fix(scale(1 + delta) - scale(1 / (1 + delta))),
      y: 0,
      height: bottom,
    });
    const drawn = rows.map((row) => ({
      name: text("label", row.cell),
      value: forestText(row),
      parts: (y) => [
        row.low === null ? null : svg("line", { class: `range s${seriesOf(row.cell)}`, x1: fix(inside(row.low)), x2: fix(inside(row.high)), y1: y, y2: y }),
        mark(row.cell, scale(row.ratio), y, `${text("label", row.cell)}: ${forestText(row)}`),
      ],
    }));
    const one = svg("line", { class: "one", x1: fix(scale(1)), x2: fix(scale(1)), y1: 0, y2: bottom });
    return {
      width,
      height: bottom + 24,
      words: rows.map((row) => `${text("label", row.cell)}: ${forestText(row)}`).join("; "),
      parts: trackRows(width, drawn, scale, logTicks(low, high, width < 420 ? 4 : 6), (value) => `${value}×`, [band, one]),
    };
  };
  return figure(
    title,
    t("Right of 1: faster. Line: Holm-adjusted 95 % interval. Shaded: differences below {delta} do not count.", {
      delta: `${plain(delta * 100)} %`,
    }),
    draw,
    () => tableOf(
      title,
      [t("Row"), t("Ratio"), t("95 % interval"), t("Verdict")],
      rows.map((row) => [text("label", row.cell), factor(row.ratio), row.low === null ? NOTHING : `${withInterval(row.ratio, row.low, row.high)[1]}×`, `${row.verdict.glyph} ${row.verdict.words}`]),
      [1, 2],
    ),
  );
}

function forestText(row) {
  const [ratio, interval] = row.low === null ? [row.ratio.toFixed(2), ""] : withInterval(row.ratio, row.low, row.high);
  return `${ratio}×${interval ? ` (${interval})` : ""} ${row.verdict.glyph}`.trim();
}

// ---- One mark for each process.

function processes(cells) {
  const title = t("Processes around their row's mean");
  const shares = (cell) => CELLS.samples[cell].map((value) => value / speed(cell) - 1);
  const draw = (width) => {
    const all = cells.flatMap((cell) => [...shares(cell), ...(speed(cell, "low") === null ? [] : [speed(cell, "low") / speed(cell) - 1, speed(cell, "high") / speed(cell) - 1])]);
    const most = Math.min(Math.max(...all.map(Math.abs), 0.005), Math.max(...cells.flatMap((cell) => shares(cell).map(Math.abs)), 0.005) * 1.3);
    const scale = linear(-most * 1.05, most * 1.05, 6, width - 6);
    const inside = (value) => Math.min(Math.max(scale(value), 0), width);
    const rows = cells.map((cell) => ({
      name: text("label", cell),
      value: t("n = {n}, IQR {share}", { n: speed(cell, "processes"), share: speed(cell, "iqr") === null ? NOTHING : `${significant((speed(cell, "iqr") / speed(cell, "median")) * 100, 2)} %` }),
      parts: (y) => [
        speed(cell, "low") === null ? null : svg("line", { class: `range s${seriesOf(cell)}`, x1: fix(inside(speed(cell, "low") / speed(cell) - 1)), x2: fix(inside(speed(cell, "high") / speed(cell) - 1)), y1: y, y2: y }),
        shares(cell).map((share) => svg("circle", { class: `dot s${seriesOf(cell)}`, cx: fix(inside(share)), cy: y, r: 4 })),
        svg("line", { class: "median", x1: fix(inside(speed(cell, "median") / speed(cell) - 1)), x2: fix(inside(speed(cell, "median") / speed(cell) - 1)), y1: y - 9, y2: y + 9 }),
      ],
    }));
    return {
      width,
      height: rows.length * ROW + 28,
      words: cells.map((cell) => `${text("label", cell)}: ${CELLS.samples[cell].map((value) => significant(value, 4)).join(", ")}`).join("; "),
      parts: trackRows(width, rows, scale, evenTicks(-most, most, 5), (value) => `${value > 0 ? "+" : value < 0 ? "−" : ""}${tickNumber(Math.abs(value) * 100)} %`),
    };
  };
  return figure(
    title,
    t("Each dot is one fresh process; the tick is their median, the line the 95 % interval of the mean."),
    draw,
    () => tableOf(
      t("Samples per second; each process is one observation"),
      [t("Row"), t("Mean"), t("Median"), "p5–p95", "IQR", t("Processes"), t("Values")],
      cells.map((cell) => [
        text("label", cell),
        measureText("speed", cell),
        significant(speed(cell, "median"), 4),
        speed(cell, "p5") === null ? NOTHING : `${significant(speed(cell, "p5"), 4)}–${significant(speed(cell, "p95"), 4)}`,
        speed(cell, "iqr") === null ? NOTHING : significant(speed(cell, "iqr"), 2),
        speed(cell, "processes"),
        el("span", { class: "wide" }, CELLS.samples[cell].map((value) => significant(value, 4)).join(" · ")),
      ]),
      [1, 2, 3, 4, 5],
    ),
  );
}

// ---- Waiting against speed.

function startAgainstSpeed(group, cells, pairs, base) {
  const shown = cells.filter((cell) => number("time_to_first_step_s", cell) !== null);
  if (!shown.length) return null;
  const title = t("Time to first step against steady speed");
  const lines = breakEvenLines(group, new Set(cells));
  const draw = (width) => {
    const points = shown.map((cell) => ({ cell, x: number("time_to_first_step_s", cell), y: speed(cell), name: text("label", cell) }));
    const found = scatter(width, points, {
      xText: (value) => `${tickNumber(value)} s`,
      yText: shortNumber,
      xTitle: t("time to first step, cold"),
      yTitle: t("samples/s"),
    });
    return {
      width,
      height: found.height,
      words: points.map((point) => `${point.name}: ${duration(point.x)}, ${significant(point.y, 3)}`).join("; "),
      parts: [found.frame, found.placed.map((point) => mark(point.cell, point.x, point.y, point.name)), found.names],
    };
  };
  return figure(
    title,
    [
      t("Best is top left: soon started and fast. "),
      lines.length ? lines.slice(0, 4).map((line) => el("span", { class: "line" }, line)) : t("No row that starts later overtakes another one."),
      lines.length > 4 ? t("{n} more in the table.", { n: lines.length - 4 }) : null,
    ],
    draw,
    () => el(
      "div",
      {},
      tableOf(
        title,
        [t("Row"), t("Cold"), t("Warm"), t("Samples/s")],
        shown.map((cell) => [text("label", cell), duration(number("time_to_first_step_s", cell)), duration(number("time_to_first_step_warm_s", cell)), measureText("speed", cell)]),
        [1, 2, 3],
      ),
      el("ul", { class: "plain small" }, lines.map((line) => el("li", {}, line))),
    ),
  );
}

function breakEvenLines(group, shown) {
  const pairs = group.pairs;
  const lines = [];
  pairs.first.forEach((first, n) => {
    const [cold, warm] = [pairs.cold_steps[n], pairs.warm_steps[n]];
    if ((cold === null && warm === null) || !shown.has(first) || !shown.has(pairs.second[n])) return;
    const fields = { late: text("label", first), early: text("label", pairs.second[n]), cold: whole(cold), warm: whole(warm) };
    if (cold !== null && warm !== null) {
      lines.push(t("{late} starts later than {early} and overtakes it after {cold} steps (cold) or {warm} steps (warm compile caches).", fields));
    } else if (cold !== null) lines.push(t("{late} starts later than {early} and overtakes it after {cold} steps (cold).", fields));
    else lines.push(t("{late} starts later than {early} and overtakes it after {warm} steps (warm compile caches).", fields));
  });
  return lines;
}

function shortNumber(value) {
  if (value >= 1e6) return `${tickNumber(value / 1e6)}M`;
  return value >= 1e4 ? `${tickNumber(value / 1e3)}k` : tickNumber(value);
}

// ---- Pareto picture.

// One row dominates another when it is not worse in anything and better in something. Speeds count as different only
// where a comparison established it; memory and waiting, which have no interval here, where they differ by over 5 %.
const CLEAR = 1.05;
const MOST_ON_FRONT = 60;

function better(group, first, second) {
  const speeds = speedOrder(group, first, second);
  const [memory, wait] = ["memory", "wait"].map((measure) => clearOrder(measured(measure, first), measured(measure, second)));
  const orders = [speeds, memory, wait];
  return orders.every((order) => order !== null && order >= 0) && orders.some((order) => order > 0);
}

// 1: the first is better, -1: worse, 0: practically tied, null: not decided.
function speedOrder(group, first, second) {
  const pair = comparisons(group, second).get(first);
  if (!pair || !pair.verdict || pair.verdict === "inconclusive" || pair.verdict === "invalid") return null;
  if (pair.verdict === "practically tied" || pair.verdict === "detectable but small") return 0;
  return pair.ahead ? 1 : -1;
}

function clearOrder(first, second) {
  if (first === null || second === null) return null;
  if (first * CLEAR < second) return 1;
  return second * CLEAR < first ? -1 : 0;
}

function pareto(group, cells) {
  const able = cells.filter((cell) => isEntrant(cell) && measured("memory", cell) !== null && measured("wait", cell) !== null);
  const shown = able.slice(0, MOST_ON_FRONT);
  if (shown.length < 2) return null;
  const title = t("Speed, memory and time to first step together");
  const behind = new Map(shown.map((cell) => [cell, shown.filter((other) => other !== cell && better(group, other, cell))]));
  const draw = (width) => {
    const points = shown.map((cell) => ({
      cell,
      x: measured("memory", cell) / 2 ** 20,
      y: speed(cell),
      name: `${behind.get(cell).length ? "" : "★ "}${text("label", cell)}, ${duration(measured("wait", cell))}`,
    }));
    const found = scatter(width, points, {
      xText: (value) => `${grouped(String(value))} MiB`,
      yText: shortNumber,
      xTitle: t("peak memory"),
      yTitle: t("samples/s"),
    });
    return {
      width,
      height: found.height,
      words: points.map((point) => `${point.name}, ${measureText("memory", point.cell)}, ${significant(point.y, 3)}`).join("; "),
      parts: [
        found.frame,
        found.placed.map((point) => [
          behind.get(point.cell).length ? null : svg("circle", { class: "front", cx: fix(point.x), cy: fix(point.y), r: 11 }),
          mark(point.cell, point.x, point.y, point.name),
        ]),
        found.names,
      ],
    };
  };
  return figure(
    title,
    t("Best is top left, with a short time beside the name. ★ and ring: no other row is at least as good in all three and clearly better in one."),
    draw,
    () => tableOf(
      title,
      [t("Row"), t("Samples/s"), t("Peak memory"), t("To first step"), t("Behind")],
      shown.map((cell) => [
        text("label", cell),
        measureText("speed", cell),
        measureText("memory", cell),
        measureText("wait", cell),
        behind.get(cell).length ? behind.get(cell).map((other) => text("label", other)).join(", ") : t("★ none: on the front"),
      ]),
      [1, 2, 3],
    ),
  );
}

// ---- Accuracy against time.

function curvePoints(cell) {
  const found = CELLS.accuracy[cell];
  let elapsed = 0;
  return (found && found.curve ? found.curve : [])
    .map(([epoch, seconds, loss, accuracy]) => {
      elapsed += seconds || 0;
      return { epoch, x: elapsed, loss, y: accuracy };
    })
    .filter((point) => typeof point.y === "number");
}

function curves(cells) {
  const shown = cells.map((cell) => [cell, curvePoints(cell)]).filter(([, points]) => points.length);
  if (!shown.length) return null;
  const title = t("Accuracy against training time");
  const targets = [...new Set(shown.map(([cell]) => CELLS.accuracy[cell].target).filter((value) => value !== null))];
  const draw = (width) => curvePicture(width, shown, targets);
  return figure(
    title,
    t("Test accuracy after each epoch of the first seed, against the time spent training; the dashed line is the workload's target."),
    draw,
    () => tableOf(
      title,
      [t("Row"), t("Epoch"), t("Time so far"), t("Loss"), t("Accuracy")],
      shown.flatMap(([cell, points]) => points.map((point) => [text("label", cell), point.epoch, duration(point.x), plain(point.loss), percentOf(point.y, CELLS.accuracy[cell].total)])),
      [1, 2, 3, 4],
    ),
  );
}

function curvePicture(width, shown, targets) {
  const height = Math.round(Math.min(360, Math.max(240, width * 0.62)));
  const [left, right, bottom] = [54, width - 10, height - 40];
  const all = shown.flatMap(([, points]) => points);
  const ys = [...all.map((point) => point.y), ...targets];
  const room = (Math.max(...ys) - Math.min(...ys) || 0.01) * 0.1;
  const [low, high] = [Math.max(0, Math.min(...ys) - room), Math.min(1, Math.max(...ys) + room)];
  const longest = Math.max(...all.map((point) => point.x));
  const x = linear(0, longest * 1.04, left, right);
  const y = linear(low, high, bottom, 20);
  const ends = shown.map(([cell, points]) => ({ name: text("label", cell), x: x(points.at(-1).x), y: y(points.at(-1).y) }));
  return {
    width,
    height,
    words: shown.map(([cell, points]) => `${text("label", cell)}: ${points.map((point) => `${percentOf(point.y, CELLS.accuracy[cell].total)} ${duration(point.x)}`).join(", ")}`).join("; "),
    parts: [
      evenTicks(0, longest, width < 420 ? 4 : 6).map((value) => [
        svg("line", { class: "grid", x1: fix(x(value)), x2: fix(x(value)), y1: 14, y2: bottom }),
        svgText(x(value), bottom + 16, `${tickNumber(value)} s`, { class: "tick", "text-anchor": "middle" }),
      ]),
      evenTicks(low, high, 5).map((value) => [
        svg("line", { class: "grid", x1: left, x2: right, y1: fix(y(value)), y2: fix(y(value)) }),
        svgText(left - 6, y(value) + 4, `${tickNumber(value * 100)} %`, { class: "tick", "text-anchor": "end" }),
      ]),
      targets.map((value) => svg("line", { class: "target", x1: left, x2: right, y1: fix(y(value)), y2: fix(y(value)) })),
      svgText(0, 8, t("test accuracy"), { class: "axis" }),
      svgText(right, height - 4, t("training time"), { class: "axis", "text-anchor": "end" }),
      shown.map(([cell, points]) => [
        svg("polyline", { class: `curve s${seriesOf(cell)} d${seriesOf(cell) % 4}`, points: points.map((point) => `${fix(x(point.x))},${fix(y(point.y))}`).join(" ") }),
        points.map((point) => mark(cell, x(point.x), y(point.y), t("{row}, epoch {n}", { row: text("label", cell), n: point.epoch }))),
      ]),
      placedNames(ends, left, width, bottom),
    ],
  };
}

// ---- Memory.

const PHASES = ["import", "build", "stage", "first_step", "steady"];

function memoryBars(cells) {
  const shown = cells.filter((cell) => measured("memory", cell) !== null);
  if (!shown.length) return null;
  const title = t("Peak memory");
  const weighed = shown.some((cell) => CELLS.memory[cell].phases);
  const draw = (width) => {
    const most = Math.max(...shown.map((cell) => measured("memory", cell)));
    const unit = most >= 2 ** 30 ? 2 ** 30 : 2 ** 20;
    const scale = linear(0, most * 1.02, 0, width);
    const rows = shown.map((cell) => ({
      name: text("label", cell),
      value: bytes(measured("memory", cell)),
      parts: (y) => [
        svg("rect", { class: `bar s${seriesOf(cell)} ${isMain(cell) ? "filled" : "hollow"}`, x: 0, y: y - 6, width: fix(scale(measured("memory", cell))), height: 12 }),
        Object.entries(CELLS.memory[cell].phases || {}).map(([name, peak]) =>
          svg("line", { class: "median", x1: fix(scale(peak)), x2: fix(scale(peak)), y1: y - 9, y2: y + 9 }, svg("title", {}, `${phaseName(name)}: ${bytes(peak)}`)),
        ),
      ],
    }));
    return {
      width,
      height: rows.length * ROW + 28,
      words: shown.map((cell) => `${text("label", cell)}: ${bytes(measured("memory", cell))}`).join("; "),
      parts: trackRows(width, rows, scale, evenTicks(0, most / unit, width < 420 ? 3 : 5).map((value) => value * unit), bytes),
    };
  };
  const headings = weighed ? PHASES.map(phaseName) : [];
  return figure(
    title,
    weighed
      ? t("Bars start at zero; ticks are the peaks of import, build, staging, first step and steady state.")
      : t("Bars start at zero; peak resident memory of timed processes, without phases."),
    draw,
    () => tableOf(
      title,
      [t("Row"), ...headings, t("Peak"), t("Read from")],
      shown.map((cell) => [
        text("label", cell),
        ...(weighed ? PHASES.map((name) => bytes((CELLS.memory[cell].phases || {})[name])) : []),
        measureText("memory", cell),
        el("span", { class: "wide" }, t(text("memory_source", cell)), (CELLS.memory[cell].flags || []).map((flag) => el("span", { class: "sub" }, `${flag[0]}: ${say(flag[1])}`))),
      ]),
      headings.map((_, n) => n + 1).concat(headings.length + 1),
    ),
  );
}
