// Cells, groups and comparisons as the page's data holds them, and which of them the reader asked for.

const CELLS = DATA.cells;
const GROUP_OF = [];
DATA.groups.forEach((group, place) => {
  group.place = place;
  for (const cell of group.cells) GROUP_OF[cell] = group;
});

function columnText(column, cell) {
  return column.texts[column.of[cell]];
}

function text(name, cell) {
  return columnText(CELLS[name], cell);
}

function said(name, cell) {
  const column = CELLS[name];
  return say(column.texts[column.of[cell]]);
}

// What the band of the reference's trainings says about a row's accuracy; empty where there is none.
function convergence(cell) {
  return text("convergence", cell) || { code: "", reason: "", band: null };
}

function remarksOf(cell) {
  return CELLS.remarks[cell] || [];
}

function number(name, cell) {
  return CELLS[name][cell];
}

function speed(cell, part = "mean") {
  return CELLS.speed[part][cell];
}

function isMain(cell) {
  return CELLS.main[cell] === "1";
}

function isEntrant(cell) {
  return text("role", cell) === "entrant";
}

// The row's name without its lane: the same in every group.
function rowName(cell) {
  return `${text("adapter", cell)}:${text("mode", cell)}`;
}

// Measures that rows are compared and sorted by; "more" says that a larger value is better.
const MEASURES = {
  speed: { title: () => t("Samples/s"), value: (cell) => speed(cell), more: true },
  wait: { title: () => t("Time to first step"), value: (cell) => number("time_to_first_step_s", cell), more: false },
  memory: { title: () => t("Peak memory"), value: (cell) => number("peak_memory_bytes", cell), more: false },
  accuracy: {
    title: () => t("Accuracy"),
    value: (cell) => (CELLS.accuracy[cell] ? CELLS.accuracy[cell].mean : null),
    more: true,
  },
};

function measured(measure, cell) {
  const value = MEASURES[measure].value(cell);
  return value === undefined ? null : value;
}

function measureText(measure, cell) {
  const value = measured(measure, cell);
  if (value === null) return NOTHING;
  if (measure === "speed") return withInterval(value, speed(cell, "low"), speed(cell, "high"))[0];
  if (measure === "wait") return duration(value);
  if (measure === "memory") return bytes(value);
  return percentOf(value, CELLS.accuracy[cell].total);
}

// Which cells the filters leave, as one flag for each.
function kept() {
  const flags = new Uint8Array(CELLS.count).fill(1);
  for (const axis of AXES) {
    const wanted = state.chosen[axis] || [];
    if (!wanted.length) continue;
    const column = CELLS[axis];
    const allowed = column.texts.map((one) => wanted.includes(one));
    for (let cell = 0; cell < CELLS.count; cell += 1) if (!allowed[column.of[cell]]) flags[cell] = 0;
  }
  return flags;
}

// Groups with at least one kept cell, each with its kept cells in the order asked for.
function keptGroups() {
  const flags = kept();
  const found = [];
  DATA.groups.forEach((group, place) => {
    const cells = group.cells.filter((cell) => flags[cell]);
    if (cells.length) found.push({ group, place, cells });
  });
  return found;
}

const NAME_ORDER = { numeric: true };

function ordered(cells) {
  const [name, direction] = state.sort.startsWith("-") ? [state.sort.slice(1), -1] : [state.sort, 1];
  const byName = (a, b) => text("label", a).localeCompare(text("label", b), "en", NAME_ORDER);
  const rank = (cell) => (isMain(cell) && isEntrant(cell) ? number("rank", cell) || 1e6 : 1e7);
  const best = (a, b) => rank(a) - rank(b) || (speed(b) || 0) - (speed(a) || 0) || byName(a, b);
  const sorted = [...cells];
  if (name === "name") return sorted.sort((a, b) => direction * byName(a, b));
  if (!MEASURES[name]) return sorted.sort(best);
  return sorted.sort((a, b) => {
    const [one, other] = [measured(name, a), measured(name, b)];
    if (one === null || other === null) return (one === null) - (other === null) || best(a, b);
    return direction * (one - other) || best(a, b);
  });
}

// ---- Comparisons with one row.

// The row that others are compared with: the chosen one where it was timed, else the fastest main mode.
function baseOf(group) {
  const timed = group.cells.filter((cell) => speed(cell) !== null);
  const chosen = timed.find((cell) => rowName(cell) === state.compare && text("role", cell) !== "twin");
  if (chosen !== undefined) return chosen;
  const main = timed.filter((cell) => isMain(cell) && isEntrant(cell));
  const pool = main.length ? main : timed;
  return pool.length ? pool.reduce((best, cell) => (speed(cell) > speed(best) ? cell : best)) : null;
}

// By cell: ratio to the base row with its interval and verdict. "official" pairs are those of the report's own families;
// others are tested here over the same processes, Holm-adjusted among themselves.
const comparisonCache = new Map();

function comparisons(group, base) {
  const key = `${group.place}/${base}`;
  if (!comparisonCache.has(key)) comparisonCache.set(key, compared(group, base));
  return comparisonCache.get(key);
}

function compared(group, base) {
  const found = new Map();
  if (base === null) return found;
  group.pairs.first.forEach((first, n) => {
    const second = group.pairs.second[n];
    if (first !== base && second !== base) return;
    const other = first === base ? second : first;
    if (!found.has(other)) found.set(other, officialPair(group.pairs, n, first === base));
  });
  const rest = group.cells.filter((cell) => cell !== base && !found.has(cell) && speed(cell) !== null);
  for (const [cell, pair] of testedPairs(group, base, rest)) found.set(cell, pair);
  return found;
}

function officialPair(pairs, n, baseIsFirst) {
  const turn = (value) => (baseIsFirst ? 1 / value : value);
  return {
    ratio: turn(pairs.ratio[n]),
    low: turn(baseIsFirst ? pairs.high[n] : pairs.low[n]),
    high: turn(baseIsFirst ? pairs.low[n] : pairs.high[n]),
    p: pairs.p_value[n],
    blocks: pairs.blocks[n],
    verdict: DATA.verdicts[pairs.verdict[n]],
    reason: pairs.reason.texts[pairs.reason.of[n]],
    extra: pairs.extra_blocks[n],
    ahead: !baseIsFirst,
    official: true,
  };
}

function testedPairs(group, base, cells) {
  const tested = [];
  const found = [];
  for (const cell of cells) {
    const difference = isEntrant(cell) && isEntrant(base) ? sharedDifference(cell, base) : null;
    if (difference) tested.push([cell, difference]);
    else found.push([cell, { ratio: speed(cell) / speed(base), low: null, high: null, verdict: "", reason: "" }]);
  }
  const { adjusted, levels } = holm(tested.map(([, difference]) => difference.p));
  tested.forEach(([cell, difference], n) => {
    const ahead = difference.mean >= 0;
    const upright = ahead ? difference : { ...difference, mean: -difference.mean, median: -difference.median };
    const result = cautioned(group, decided(upright, levels[n], group.delta));
    const [low, high] = ahead ? [result.low, result.high] : [-result.high, -result.low];
    found.push([
      cell,
      {
        ratio: Math.exp(difference.mean),
        low: Math.exp(low),
        high: Math.exp(high),
        p: adjusted[n],
        blocks: difference.count,
        verdict: result.verdict,
        reason: result.reason,
        ahead,
        official: false,
      },
    ]);
  });
  return found;
}

function sharedDifference(first, second) {
  const [one, other] = [first, second].map((cell) => {
    const names = text("blocks", cell).split(" ");
    return new Map(CELLS.samples[cell].map((value, n) => [names[n], value]));
  });
  const shared = [...one.keys()].filter((name) => other.has(name)).sort();
  if (shared.length < 2) return null;
  return pairedDifference(shared.map((name) => one.get(name)), shared.map((name) => other.get(name)));
}

// What takes verdicts away in the report takes them away here.
function cautioned(group, result) {
  if (group.code === "FALSE_WIN") return { ...result, verdict: "invalid", reason: "A/A control failed" };
  if (group.code === "NOISY") return { ...result, verdict: "inconclusive", reason: "noisy run" };
  if (group.code !== "UNRESOLVED" || result.verdict === "inconclusive") return result;
  const floor = 1 + (group.control.noise_floor || 0);
  if (result.verdict === "faster" && Math.exp(result.low) > floor) return result;
  return { ...result, verdict: "inconclusive", reason: "within the noise floor" };
}

// A comparison in a glyph and words: never by colour alone.
function verdictOf(pair) {
  if (!pair || !pair.verdict) return { glyph: "", words: t("not compared"), kind: "none" };
  const ahead = pair.ahead;
  const found = {
    faster: ahead ? ["▲", t("faster"), "up"] : ["▼", t("slower"), "down"],
    "detectable but small": ahead ? ["△", t("faster, but small"), "same"] : ["▽", t("slower, but small"), "same"],
    "practically tied": ["≈", t("practically tied"), "same"],
    inconclusive: ["?", t("inconclusive"), "open"],
    invalid: ["!", t("invalid"), "open"],
  }[pair.verdict];
  const [glyph, words, kind] = found;
  return { glyph, words: pair.reason ? `${words} (${t(pair.reason)})` : words, kind };
}
