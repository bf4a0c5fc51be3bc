// The tables of one group: an overview of frameworks by kind of mode, and all rows with their numbers.

const MOST_ROWS = 60;
const CLASSES = ["eager", "graph", "compiled"];

function classTitle(name) {
  return { eager: t("eager"), graph: t("graph"), compiled: t("compiled") }[name] || name;
}

function roleNote(cell) {
  const role = text("role", cell);
  if (role === "oracle") return t("reference, not ranked");
  if (role === "twin") return t("A/A control, not ranked");
  return "";
}

function groupTitle(group) {
  const cell = group.cells[0];
  let title = text("workload", cell);
  if (text("task", cell) === "infer") title = t("{workload}, inference", { workload: title });
  if (text("lane", cell) === "matched") return title;
  return t("{workload}, lane {lane}", { workload: title, lane: axisValueTitle("lane", text("lane", cell)) });
}

function conditions(group) {
  const cell = group.cells[0];
  return [
    axisValueTitle("task", text("task", cell)),
    text("device", cell),
    text("precision", cell),
    number("threads", cell) === 1 ? t("1 thread") : t("{n} threads", { n: number("threads", cell) }),
    t("batch {n}", { n: number("batch_size", cell) }),
    t("lane {lane}", { lane: axisValueTitle("lane", text("lane", cell)) }),
  ].join(", ");
}

function isSynthetic(group) {
  return text("data", group.cells[0]) === "synthetic";
}

// Relative to the base row: for speed the paired ratio, for the others the plain ratio of the two numbers.
function relativeText(measure, cell, base, pairs) {
  if (base === null || measured(measure, cell) === null) return "";
  if (cell === base) return measure === "accuracy" ? "±0" : "1.00×";
  if (measure === "speed") return pairs.has(cell) ? factor(pairs.get(cell).ratio) : "";
  const [one, other] = [measured(measure, cell), measured(measure, base)];
  if (other === null || !other) return "";
  if (measure !== "accuracy") return factor(one / other);
  const points = (one - other) * 100;
  return t("{points} points", { points: `${points < 0 ? "−" : "+"}${Math.abs(points).toFixed(1)}` });
}

function numbers(measure, cell, base, pairs) {
  const absolute = measureText(measure, cell);
  const relative = relativeText(measure, cell, base, pairs);
  if (state.show === "absolute" || !relative) return [absolute, ""];
  return state.show === "relative" ? [relative, ""] : [absolute, relative];
}

// How good a value is beside the best one, in five shades; the number itself says the same.
function shade(measure, cell, cells) {
  const value = measured(measure, cell);
  if (value === null) return "";
  const values = cells.map((one) => measured(measure, one)).filter((one) => one !== null && one > 0);
  const best = MEASURES[measure].more ? Math.max(...values) : Math.min(...values);
  const share = MEASURES[measure].more ? value / best : best / value;
  if (!(share > 0)) return "";
  return ["heat-0", "heat-1", "heat-2", "heat-3", "heat-4"][Math.min(4, Math.floor(-Math.log2(share) * 1.5 + 0.15))];
}

function pivot(group, cells, base, pairs) {
  const measure = MEASURES[state.measure] ? state.measure : "speed";
  const rows = ordered(cells).filter((cell) => text("role", cell) !== "twin");
  const kinds = [...new Set(rows.map((cell) => text("mode_class", cell)))];
  kinds.sort((a, b) => (CLASSES.indexOf(a) + 9) % 9 - (CLASSES.indexOf(b) + 9) % 9);
  const frameworks = [...new Set(rows.map((cell) => text("adapter", cell)))];
  const caption = t("{measure}: frameworks by kind of mode on {workload}", {
    measure: MEASURES[measure].title(),
    workload: groupTitle(group),
  });
  const body = frameworks.map((name) => {
    const own = rows.filter((cell) => text("adapter", cell) === name);
    return [
      el("span", {}, text("title", own[0])),
      ...kinds.map((kind) => own.filter((cell) => text("mode_class", cell) === kind).map((cell) => pivotCell(measure, cell, rows, base, pairs))),
    ];
  });
  const table = tableOf(caption, [t("Framework"), ...kinds.map(classTitle)], body);
  table.classList.add("pivot");
  return table;
}

function pivotCell(measure, cell, rows, base, pairs) {
  const [first, second] = numbers(measure, cell, base, pairs);
  const none = measured(measure, cell) === null;
  const rank = number("rank", cell);
  const verdict = measure === "speed" && cell !== base && pairs.has(cell) ? verdictOf(pairs.get(cell)) : null;
  const interval = measure === "speed" && !none && state.show !== "relative" ? withInterval(speed(cell), speed(cell, "low"), speed(cell, "high"))[1] : "";
  return el(
    "div",
    { class: `pivot-cell ${shade(measure, cell, rows)}` },
    el(
      "span",
      { class: "line" },
      el("span", {}, text("mode", cell)),
      isMain(cell) ? el("span", { class: "main-mark" }, "● ", t("main mode")) : null,
      rank ? el("span", { class: "main-mark" }, t("rank {n}", { n: rank })) : null,
    ),
    el(
      "span",
      { class: "line" },
      el("span", { class: "figure" }, none && text("status", cell) !== "ok" ? status(text("status", cell)) : first),
      interval ? el("span", { class: "small" }, interval) : null,
    ),
    el(
      "span",
      { class: "line" },
      second ? el("span", { class: "small" }, second) : null,
      verdict && verdict.glyph && state.show !== "absolute"
        ? el("span", { class: "small" }, el("span", { "aria-hidden": "true" }, `${verdict.glyph} `), verdict.words)
        : null,
    ),
  );
}

// ---- All rows.

function sortHeading(name, title) {
  const first = MEASURES[name] && MEASURES[name].more ? `-${name}` : name;
  const second = first.startsWith("-") ? name : `-${name}`;
  const current = state.sort === name ? "ascending" : state.sort === `-${name}` ? "descending" : null;
  const arrow = current === "ascending" ? " ↑" : current === "descending" ? " ↓" : "";
  return {
    sort: current,
    node: el(
      "button",
      {
        type: "button",
        class: "sort",
        "data-sort": name,
        click: () => change({ sort: state.sort === first ? second : first }),
      },
      title,
      arrow ? el("span", { "aria-hidden": "true" }, arrow) : null,
    ),
  };
}

function rowTable(group, cells, base, pairs) {
  const rows = ordered(cells);
  const body = el("tbody", {});
  const draw = (most) => replaceChildren(body, rows.slice(0, most).map((cell) => rowOf(group, cell, base, pairs)));
  draw(MOST_ROWS);
  const headings = [
    ["name", t("Framework and mode"), false],
    ["speed", t("Samples/s"), true],
    ["wait", t("To first step"), true],
    ["memory", t("Peak memory"), true],
    ["accuracy", t("Accuracy"), false],
  ].map(([name, title, numeric]) => {
    const { sort, node } = sortHeading(name, title);
    return el("th", { scope: "col", class: numeric ? "num" : null, "aria-sort": sort }, node);
  });
  const caption = base === null
    ? t("All rows on {workload}", { workload: groupTitle(group) })
    : t("All rows on {workload}; relative numbers and verdicts are against {row}", {
        workload: groupTitle(group),
        row: text("label", base),
      });
  const table = el(
    "table",
    { class: "rows" },
    el("caption", {}, caption, footnote(pairs)),
    el("thead", {}, el("tr", {}, headings, el("th", { scope: "col" }, t("Verdict")), el("th", { scope: "col" }, t("Proof and worst check")))),
    body,
  );
  const rest = rows.length - MOST_ROWS;
  const more = rest > 0
    ? el("button", { type: "button", class: "quiet", click: (event) => { draw(rows.length); event.target.remove(); } },
        t("Show {n} more rows", { n: rest }))
    : null;
  return [scrolling(caption, table), more];
}

function footnote(pairs) {
  const own = [...pairs.values()].some((pair) => pair.verdict && !pair.official);
  if (!own) return null;
  return [". ", t("† Not one of the report's own pairs: tested here over the same processes, Holm-adjusted over the rows marked †.")];
}

function rowOf(group, cell, base, pairs) {
  return el(
    "tr",
    { "data-row": text("label", cell), class: cell === base ? "base" : null },
    rowHead(cell, base),
    speedCell(cell, base, pairs),
    waitCell(cell, base, pairs),
    memoryCell(cell, base, pairs),
    accuracyCell(cell, base, pairs),
    el("td", {}, verdictCell(cell, base, pairs)),
    el("td", {}, proofCell(cell)),
  );
}

function rowHead(cell, base) {
  const rank = number("rank", cell);
  const note = roleNote(cell);
  const label = text("label", cell);
  const comparable = text("role", cell) !== "twin" && speed(cell) !== null;
  return el(
    "th",
    { scope: "row" },
    rank ? el("span", { class: rank === 1 ? "rank one" : "rank", title: t("rank {n}", { n: rank }) }, rank) : null,
    el("button", { type: "button", class: "open", "data-cell": cell, click: () => change({ cell: CELLS.key[cell] }, { push: true }) }, label),
    el(
      "span",
      { class: "sub" },
      [`${text("title", cell)} ${text("framework_version", cell)}`, classTitle(text("mode_class", cell)), note].filter(Boolean).join(" · "),
    ),
    comparable
      ? el(
          "button",
          {
            type: "button",
            class: "compare",
            "aria-pressed": String(cell === base),
            "aria-label": t("Compare the others to {row}", { row: label }),
            click: () => change({ compare: state.compare === rowName(cell) ? "" : rowName(cell) }),
          },
          cell === base ? t("compared to") : t("compare to this"),
        )
      : null,
  );
}

function figures(measure, cell, base, pairs, extra) {
  const [first, second] = numbers(measure, cell, base, pairs);
  return el(
    "td",
    { class: measure === "accuracy" ? null : "num", "data-measure": measure },
    first,
    second ? el("span", { class: "sub" }, second) : null,
    extra.filter(Boolean).map((line) => el("span", { class: "sub" }, line)),
  );
}

function speedCell(cell, base, pairs) {
  if (speed(cell) === null) {
    return el("td", { class: "num", "data-measure": "speed" }, text("status", cell) === "ok" ? NOTHING : status(text("status", cell)));
  }
  const [, interval] = withInterval(speed(cell), speed(cell, "low"), speed(cell, "high"));
  const count = speed(cell, "processes");
  const shown = state.show === "relative" ? relativeInterval(pairs.get(cell)) : interval;
  return figures("speed", cell, base, pairs, [
    shown,
    count === 1 ? t("1 process") : t("{n} processes", { n: count }),
  ]);
}

function relativeInterval(pair) {
  if (!pair || pair.low === null) return "";
  return `${withInterval(pair.ratio, pair.low, pair.high)[1]}×`;
}

function waitCell(cell, base, pairs) {
  const warm = number("time_to_first_step_warm_s", cell);
  return figures("wait", cell, base, pairs, [warm === null ? "" : t("warm {time}", { time: duration(warm) })]);
}

function memoryCell(cell, base, pairs) {
  const memory = CELLS.memory[cell];
  const flags = memory && memory.flags ? memory.flags.map((flag) => flag[0]).join(", ") : "";
  return figures("memory", cell, base, pairs, [flags]);
}

function accuracyCell(cell, base, pairs) {
  const found = CELLS.accuracy[cell];
  if (!found) return el("td", { "data-measure": "accuracy" }, NOTHING, el("span", { class: "sub mid" }, said("accuracy_note", cell)));
  return figures("accuracy", cell, base, pairs, accuracyNotes(cell, found));
}

function accuracyNotes(cell, found) {
  const count = found.values.length;
  const range = `${(Math.min(...found.values) * 100).toFixed(1)}–${(Math.max(...found.values) * 100).toFixed(1)} %`;
  const notes = [
    count > 1 ? t("{n} seeds: {range}", { n: count, range }) : t("1 seed"),
    found.target === null ? said("accuracy_kind", cell) : "",
  ];
  const time = number("time_to_target_s", cell);
  if (found.target !== null) {
    const target = plain(found.target * 100);
    notes.push(time === null ? said("accuracy_note", cell) : t("{target} % after {time}", { target, time: duration(time) }));
  }
  const check = convergence(cell);
  if (check.code) notes.push(`⚑ ${check.code}: ${say(check.reason)}`);
  else if (check.band) {
    const [low, high] = [check.band.low, check.band.high].map((value) => (value * 100).toFixed(1));
    notes.push(t("within the reference's {low}–{high} %", { low, high }));
  }
  return notes;
}

function verdictCell(cell, base, pairs) {
  if (speed(cell) === null) return NOTHING;
  if (cell === base) return el("span", { class: "soft" }, t("the row compared to"));
  const pair = pairs.get(cell);
  const verdict = verdictOf(pair);
  return el(
    "span",
    { class: `verdict ${verdict.kind}` },
    verdict.glyph ? el("span", { "aria-hidden": "true" }, `${verdict.glyph} `) : null,
    verdict.words,
    pair && pair.verdict && !pair.official ? " †" : null,
    pair && pair.low !== null
      ? el("span", { class: "sub" }, pairText(pair))
      : null,
  );
}

function pairText(pair) {
  const [ratio, interval] = withInterval(pair.ratio, pair.low, pair.high);
  return [`${ratio}× (${interval})`, el("span", { class: "sub" }, `p ${pair.p < 0.001 ? "" : "= "}${probability(pair.p)}`)];
}

function proofCell(cell) {
  const reason = [text("code", cell), said("reason", cell)].filter(Boolean).join(": ");
  return el("span", { class: "wide" }, status(text("status", cell)), el("span", { class: "sub" }, reason || worstText(cell)));
}

function worstText(cell) {
  const worst = CELLS.worst;
  const [check, tensor] = [columnText(worst.check, cell), columnText(worst.tensor, cell)];
  if (!check) return t("no check ran");
  const [error, tolerance] = [worst.error[cell], worst.tolerance[cell]];
  const place = tensor && tensor !== check ? t("{check} of {tensor}", { check: t(check), tensor }) : t(check);
  return t("{place}: {error}, limit {limit}", { place, error: tiny(error), limit: tiny(tolerance) });
}
