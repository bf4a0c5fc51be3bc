// Guidance: from a guidance table and answers to sentences. The same as frameworkbench/guidance/ in Python, name by name;
// tests/browser/test_guidance_script.py holds the two against each other. Pure functions: no page, no state, no clock.

const Guidance = (() => {
  const Z = 1.959963984540054;
  const SAME_SCORE = 1e-12;
  const SAME = 1e-9;
  const AXES = ["precision", "device", "task", "family"];
  const METHODS = ["weighted sum", "TOPSIS", "PROMETHEE II"];
  const FAR = 0.25;
  const MOST_CHECKED = 20;
  const MAINTENANCE = "maintenance";

  // ---- Random numbers: draws.py.

  function seedOf(text) {
    let found = 0x811c9dc5;
    for (const byte of new TextEncoder().encode(text)) found = Math.imul(found ^ byte, 0x01000193) >>> 0;
    return found;
  }

  function uniforms(text) {
    let state = seedOf(text);
    return () => {
      state = (state + 0x6d2b79f5) >>> 0;
      let mixed = Math.imul(state ^ (state >>> 15), state | 1);
      mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
      return (((mixed ^ (mixed >>> 14)) >>> 0) + 0.5) / 4294967296;
    };
  }

  function quantile(share) {
    const middle = share - 0.5;
    if (Math.abs(middle) <= 0.425) {
      const at = 0.180625 - middle * middle;
      const above = ((59.10937472 * at + 159.29113202) * at + 50.434271938) * at + 3.3871327179;
      const below = ((67.1875636 * at + 78.757757664) * at + 17.895169469) * at + 1;
      return (above / below) * middle;
    }
    let at = Math.sqrt(-Math.log(Math.min(share, 1 - share)));
    let above;
    let below;
    if (at <= 5) {
      at -= 1.6;
      above = ((0.17023821103 * at + 1.3067284816) * at + 2.75681539) * at + 1.4234372777;
      below = (0.12021132975 * at + 0.7370016425) * at + 1;
    } else {
      at -= 5;
      above = ((0.017337203997 * at + 0.42868294337) * at + 3.081226386) * at + 6.6579051150;
      below = (0.012258202635 * at + 0.24197894225) * at + 1;
    }
    return middle < 0 ? -(above / below) : above / below;
  }

  function gammas(text, shape, count) {
    const next = uniforms(text);
    const d = (shape >= 1 ? shape : shape + 1) - 1 / 3;
    const c = 1 / Math.sqrt(9 * d);
    const found = new Float64Array(count);
    for (let index = 0; index < count; index += 1) {
      const power = shape < 1 ? next() ** (1 / shape) : 1;
      for (;;) {
        const x = quantile(next());
        const u = next();
        const v = (1 + c * x) ** 3;
        if (v > 0 && Math.log(u) < 0.5 * x * x + d - d * v + d * Math.log(v)) {
          found[index] = d * v * power;
          break;
        }
      }
    }
    return found;
  }

  // ---- Small things.

  const same = (one, other) => one.question === other.question && one.option.key === other.option.key;
  const holds = (choices, one) => choices.some((other) => same(one, other));
  const unique = (list) => [...new Set(list)];
  const sorted = (list) => [...list].sort((a, b) => (a < b ? -1 : a > b ? 1 : 0));
  const sum = (list) => list.reduce((total, value) => total + value, 0);

  function bestIndex(list, score) {
    let best;
    for (const one of list) if (best === undefined || score(one) > score(best)) best = one;
    return best;
  }

  function fixed(value, places) {
    const unit = 10 ** places;
    const scaled = Math.floor(value * unit + 0.5);
    return places === 0 ? String(scaled) : `${Math.floor(scaled / unit)}.${String(scaled % unit).padStart(places, "0")}`;
  }

  const percent = (share) => `${fixed(share * 100, 0)} %`;
  const thousands = (count) => String(count).replace(/\B(?=(\d{3})+$)/g, ",");

  function times(logRatio) {
    const ratio = Math.exp(logRatio);
    return `${fixed(ratio, ratio >= 10 ? 1 : 2)}×`;
  }

  // ---- Sentences: phrase.py and saying.py.

  function phrase(text, params = {}) {
    const names = Object.keys(params);
    if (!names.length) return { text };
    const found = {};
    for (const name of names) found[name] = typeof params[name] === "object" ? params[name] : String(params[name]);
    return { text, params: found };
  }

  function render(said, translate = (text) => text) {
    return translate(said.text).replace(/\{(\w+)\}/g, (whole, name) => {
      const value = (said.params || {})[name];
      return value === undefined ? whole : typeof value === "object" ? render(value, translate) : value;
    });
  }

  const verbatim = (text) => (text === "" ? { text: "" } : { text: "{text}", params: { text } });

  function folded(template, parts) {
    if (!parts.length) return { text: "" };
    if (parts.length === 1) return typeof parts[0] === "object" ? parts[0] : verbatim(parts[0]);
    const middle = Math.floor(parts.length / 2);
    const [first, rest] = [parts.slice(0, middle), parts.slice(middle)];
    return { text: template, params: { first: folded(template, first), rest: folded(template, rest) } };
  }

  const enumerated = (parts) => folded("{first}, {rest}", parts);
  const clauses = (parts) => folded("{first}; {rest}", parts);

  function listed(parts) {
    if (parts.length < 2) return enumerated(parts);
    return phrase("{names} and {last}", { names: enumerated(parts.slice(0, -1)), last: parts[parts.length - 1] });
  }

  function sentence(said, links = []) {
    return { ...said, links: uniqueLinks(links) };
  }

  function uniqueLinks(links, most = 40) {
    const seen = new Set();
    const found = [];
    for (const link of links) {
      const key = JSON.stringify(link);
      if (!seen.has(key) && found.length < most) {
        seen.add(key);
        found.push(link);
      }
    }
    return found;
  }

  const cell = (row) => ({ cell: row.key });
  const fact = (adapter, key) => ({ fact: [adapter, key] });
  const answer = (choice) => ({ answer: choice.question });

  function voiceOf(table) {
    const say = (name, params) => phrase(table.texts[name], params);
    const title = (adapter) => table.adapters[adapter].title;
    return {
      say,
      title,
      titles: (adapters) => listed(adapters.map(title)),
      either: (words) =>
        words.length < 2
          ? enumerated(words)
          : say("either", { names: enumerated(words.slice(0, -1)), last: words[words.length - 1] }),
      criterion: (key) => ({ text: table.criteria.find((one) => one.key === key).title }),
      topic: (key) => (table.topics[key] ? { text: table.topics[key].title } : verbatim(key)),
      word: (value) => (table.texts[value] ? { text: table.texts[value] } : verbatim(value)),
      value: (adapter, key) => {
        const words = (table.topics[key] || { words: {} }).words;
        return enumerated(table.facts[adapter][key].value.map((one) => (words[one] ? { text: words[one] } : one)));
      },
      quoted: (chosen) => listed(chosen.map((choice) => say("quoted", { answer: { text: choice.option.text } }))),
    };
  }

  // ---- Filters: selection.py.

  function choicesOf(table, answers) {
    return table.questions.flatMap((question) =>
      question.options
        .filter((option) => (answers[question.key] || []).includes(option.key))
        .map((option) => ({ question: question.key, option })),
    );
  }

  const selects = (choice) => Object.keys(choice.option.select).length > 0;

  function preferred(groups, pool, axis, order) {
    const present = new Set(pool.map((index) => groups[index][axis]));
    const best = order.find((value) => present.has(value));
    return best === undefined ? pool : pool.filter((index) => groups[index][axis] === best);
  }

  function withoutStandIns(groups, pool) {
    const axes = ["task", "workload", "device", "lane", "precision", "threads", "batch_size"];
    const key = (index) => JSON.stringify(axes.map((axis) => groups[index][axis]));
    const real = new Set(pool.filter((index) => groups[index].data === "real").map(key));
    return pool.filter((index) => groups[index].data === "real" || !real.has(key(index)));
  }

  function combinations(list, size, from = 0) {
    if (size === 0) return [[]];
    const found = [];
    for (let at = from; at <= list.length - size; at += 1) {
      for (const rest of combinations(list, size - 1, at + 1)) found.push([list[at], ...rest]);
    }
    return found;
  }

  function conditionsOf(table, chosen) {
    const { groups } = table;
    const pool = withoutStandIns(groups, preferred(groups, [...groups.keys()], "lane", ["matched", "default", "tuned"]));
    const asked = chosen.filter(selects);
    const axes = AXES.filter((axis) => asked.some((choice) => axis in choice.option.select));
    const fits = (group, axis) => asked.some((choice) => (choice.option.select[axis] || []).includes(group[axis]));
    for (let size = 0; size <= axes.length; size += 1) {
      for (const givenUp of combinations(axes, size)) {
        const held = axes.filter((axis) => !givenUp.includes(axis));
        let found = pool.filter((index) => held.every((axis) => fits(groups[index], axis)));
        if (!held.includes("precision")) found = preferred(groups, found, "precision", ["float32"]);
        if (found.length) {
          const lost = asked.filter((choice) => givenUp.some((axis) => axis in choice.option.select));
          const met = (choice) =>
            found.some((index) =>
              Object.entries(choice.option.select).every(([axis, values]) => values.includes(groups[index][axis])),
            );
          return { groups: found, givenUp: lost, partly: asked.filter((one) => !holds(lost, one) && !met(one)) };
        }
      }
    }
    return { groups: [], givenUp: [], partly: [] };
  }

  function modeClasses(chosen) {
    const named = chosen.filter((choice) => choice.option.modes.length).map((choice) => choice.option.modes);
    if (!named.length) return null;
    return new Set(named[0].filter((one) => named.every((modes) => modes.includes(one))));
  }

  function filteredBy(table, chosen) {
    const out = new Map();
    const unknown = new Map();
    const exclude = (name, one) => out.set(name, [...(out.get(name) || []), one]);
    const names = sorted(Object.keys(table.adapters));
    for (const name of names) {
      const modes = Object.values(table.adapters[name].modes);
      const facts = table.facts[name] || {};
      for (const choice of chosen) {
        for (const need of choice.option.needs) {
          const found = facts[need.fact];
          if (found === undefined) {
            if (!unknown.has(need.fact)) unknown.set(need.fact, []);
            if (!unknown.get(need.fact).includes(name)) unknown.get(need.fact).push(name);
          } else if (need.any.length && !need.any.some((one) => found.value.includes(one))) {
            exclude(name, { choice, fact: need.fact });
          }
        }
        const wanted = choice.option.modes;
        if (wanted.length && modes.length && !modes.some((one) => wanted.includes(one))) {
          exclude(name, { choice, fact: null });
        }
      }
    }
    const kept = names.filter((name) => !out.has(name));
    const unchecked = [...unknown]
      .map(([key, found]) => [key, found.filter((name) => kept.includes(name))])
      .filter(([, found]) => found.length);
    return { kept, out, unknown: new Map(unchecked) };
  }

  function weightsOf(table, chosen, given) {
    const first = table.questions.find((one) => one.key === "priority").options[0];
    const said = chosen.some((choice) => choice.question === "priority");
    const parts = [...chosen.map((choice) => choice.option.weights), ...(said ? [] : [first.weights])];
    const sums = table.criteria.map((one) => sum(parts.map((part) => part[one.key] || 0)));
    const changed = table.criteria.map((one, index) => (one.key in given ? given[one.key] : sums[index]));
    const used = sum(changed) > 0 ? changed : sums;
    const total = sum(used);
    return Object.fromEntries(table.criteria.map((one, index) => [one.key, used[index] / total]));
  }

  // ---- Trials: trials.py.

  const BROKEN = ["not_comparable", "invalid"];

  function asideOf(table, row, used) {
    if (BROKEN.includes(row.status)) return { row, why: row.status, criterion: "" };
    if (row.status !== "ok") return { row, why: "not_ok", criterion: "" };
    const missing = used.find((index) => row.values[index] === null);
    if (missing === undefined) return null;
    if (row.flags.includes("single")) return { row, why: "single", criterion: "" };
    return { row, why: "incomplete", criterion: table.criteria[missing].key };
  }

  function fieldsOf(table, groups, kept, classes, weights) {
    const played = [];
    const asides = [];
    const members = new Map(groups.map((group) => [group, []]));
    for (const row of table.rows) if (members.has(row.group)) members.get(row.group).push(row);
    for (const group of groups) {
      const everyone = members.get(group);
      const used = [...table.criteria.keys()].filter(
        (index) => weights[table.criteria[index].key] > 0 && everyone.some((row) => row.values[index] !== null),
      );
      const allowed = everyone
        .filter((row) => kept.includes(row.adapter) && (classes === null || classes.has(row.mode_class)))
        .sort((a, b) => (a.label < b.label ? -1 : a.label > b.label ? 1 : a.key < b.key ? -1 : a.key > b.key ? 1 : 0));
      const fit = new Map();
      for (const row of allowed) {
        const aside = asideOf(table, row, used);
        if (aside !== null) asides.push(aside);
        else if (!fit.has(row.label)) fit.set(row.label, row);
      }
      if (fit.size && used.length) played.push(fieldOf(table, group, used, [...fit.values()], weights));
    }
    return { played, asides };
  }

  function fieldOf(table, group, used, rows, weights) {
    const figures = rows.map((row) => used.map((index) => row.values[index]));
    const texts = figures.map((figure) => JSON.stringify(figure));
    const shares = used.map((index) => weights[table.criteria[index].key]);
    const total = sum(shares);
    const members = new Map();
    rows.forEach((row, index) => members.set(row.adapter, [...(members.get(row.adapter) || []), index]));
    return {
      group,
      criteria: used.map((index) => table.criteria[index].key),
      rows,
      values: figures.map((figure) => figure.map((value, column) => value[0] * table.criteria[used[column]].better)),
      halves: figures.map((figure) => figure.map((value) => value[1])),
      weights: shares.map((share) => share / total),
      streams: texts.map((text) => rows[texts.indexOf(text)].label),
      adapters: [...members.keys()],
      of: (adapter) => members.get(adapter) || [],
    };
  }

  function dot(values, weights) {
    let total = 0;
    for (let index = 0; index < values.length; index += 1) total += values[index] * weights[index];
    return total;
  }

  const meanScores = (one, weights = one.weights) => one.values.map((values) => dot(values, weights));

  function bestRow(one, adapter) {
    const scores = meanScores(one);
    return bestIndex(one.of(adapter), (index) => scores[index]);
  }

  function scoresOf(table, one, drawn, count, noise) {
    const total = new Float64Array(count);
    for (const key of one.criteria) for (let n = 0; n < count; n += 1) total[n] += drawn[key][n];
    const scores = one.rows.map(() => new Float64Array(count));
    const share = new Float64Array(count);
    one.criteria.forEach((key, column) => {
      for (let n = 0; n < count; n += 1) share[n] = drawn[key][n] / total[n];
      one.streams.forEach((stream, index) => {
        const [score, value, spread] = [scores[index], one.values[index][column], one.halves[index][column] / Z];
        if (noise && spread > 0) {
          const next = uniforms(`${table.groups[one.group].id}|${stream}|${key}`);
          for (let n = 0; n < count; n += 1) score[n] += share[n] * (value + quantile(next()) * spread);
        } else {
          for (let n = 0; n < count; n += 1) score[n] += share[n] * value;
        }
      });
    });
    return scores;
  }

  function runTrials(table, played, weights, noise = true) {
    const { constants } = table;
    const size = sum(played.map((one) => one.rows.length * one.criteria.length));
    const affordable = Math.floor(constants.budget / Math.max(size, 1));
    const count = Math.min(constants.draws, Math.max(constants.least_draws, affordable));
    const used = sorted(unique(played.flatMap((one) => one.criteria)));
    const whole = sum(used.map((key) => weights[key]));
    const parts = used.map((key) => gammas(`weight|${key}`, constants.concentration * (weights[key] / whole), count));
    const drawn = Object.fromEntries(used.map((key) => [key, new Float64Array(count)]));
    for (let n = 0; n < count; n += 1) {
      let total = 0;
      for (const part of parts) total += part[n];
      used.forEach((key, index) => {
        drawn[key][n] = parts[index][n] / total;
      });
    }
    const margin = 2 * Math.log1p(constants.shift);
    const byGroup = new Map();
    const clear = {};
    const rows = {};
    for (const one of played) {
      const scores = scoresOf(table, one, drawn, count, noise);
      const firsts = Object.fromEntries(one.adapters.map((name) => [name, 0]));
      const clears = { ...firsts };
      const rowFirsts = one.rows.map(() => 0);
      const place = one.rows.map((row) => one.adapters.indexOf(row.adapter));
      const mine = new Float64Array(one.adapters.length);
      for (let n = 0; n < count; n += 1) {
        mine.fill(-Infinity);
        for (let index = 0; index < place.length; index += 1) {
          if (scores[index][n] > mine[place[index]]) mine[place[index]] = scores[index][n];
        }
        let [best, second, leader] = [-Infinity, -Infinity, 0];
        for (let at = 0; at < mine.length; at += 1) {
          if (mine[at] > best) [best, second, leader] = [mine[at], best, at];
          else if (mine[at] > second) second = mine[at];
        }
        for (let index = 0; index < place.length; index += 1) if (scores[index][n] >= best - SAME_SCORE) rowFirsts[index] += 1;
        for (let at = 0; at < mine.length; at += 1) if (mine[at] >= best - SAME_SCORE) firsts[one.adapters[at]] += 1;
        if (best - second > margin) clears[one.adapters[leader]] += 1;
      }
      one.rows.forEach((row, index) => {
        rows[row.key] = rowFirsts[index] / count;
      });
      byGroup.set(one.group, Object.fromEntries(one.adapters.map((name) => [name, firsts[name] / count])));
      for (const name of one.adapters) clear[name] = (clear[name] || 0) + clears[name] / count / played.length;
    }
    const names = sorted(unique(played.flatMap((one) => one.adapters)));
    const first = Object.fromEntries(
      names.map((name) => [name, sum([...byGroup.values()].map((found) => found[name] || 0)) / played.length]),
    );
    return { count, first, clear, byGroup, rows };
  }

  // ---- Methods: methods.py.

  function frontOf(one, delta) {
    const dominates = (a, b) => {
      let surely = false;
      for (let column = 0; column < one.criteria.length; column += 1) {
        const half = Math.sqrt(one.halves[a][column] ** 2 + one.halves[b][column] ** 2);
        const gap = one.values[a][column] - one.values[b][column] - half;
        if (gap < -delta) return false;
        if (gap > delta) surely = true;
      }
      return surely;
    };
    const rows = [...one.rows.keys()];
    return rows.map((b) => !rows.some((a) => dominates(a, b)));
  }

  function topsis(values, weights) {
    const weighted = values.map((row) => row.map((value, column) => value * weights[column]));
    const columns = weights.map((_, column) => weighted.map((row) => row[column]));
    const best = columns.map((column) => Math.max(...column));
    const worst = columns.map((column) => Math.min(...column));
    const distance = (row, point) => Math.sqrt(sum(row.map((value, column) => (value - point[column]) ** 2)));
    return weighted.map((row) => {
      const total = distance(row, best) + distance(row, worst);
      return total > 0 ? distance(row, worst) / total : 0.5;
    });
  }

  function promethee(values, weights, indifference, preference) {
    if (values.length < 2) return values.map(() => 0);
    const part = (gap) => Math.min(Math.max((gap - indifference) / (preference - indifference), 0), 1);
    const preferred = (a, b) => sum(weights.map((weight, column) => part(a[column] - b[column]) * weight));
    return values.map(
      (row) => sum(values.map((other) => preferred(row, other) - preferred(other, row))) / (values.length - 1),
    );
  }

  function bestBy(table, one, method, left = [...one.rows.keys()]) {
    const values = left.map((index) => one.values[index]);
    const delta = Math.log1p(table.groups[one.group].delta);
    const scores =
      method === METHODS[0]
        ? values.map((row) => dot(row, one.weights))
        : method === METHODS[1]
          ? topsis(values, one.weights)
          : promethee(values, one.weights, delta, Math.log(table.constants.preference));
    const most = Math.max(...scores);
    return left[scores.findIndex((score) => score >= most - SAME)];
  }

  const firstByMethod = (table, one) =>
    Object.fromEntries(METHODS.map((method) => [method, one.rows[bestBy(table, one, method)].adapter]));

  function reversalsOf(table, one, onFront) {
    const found = [];
    for (const method of METHODS) {
      const before = one.rows[bestBy(table, one, method)].adapter;
      onFront.forEach((free, index) => {
        if (free) return;
        const left = [...one.rows.keys()].filter((other) => other !== index);
        const after = one.rows[bestBy(table, one, method, left)].adapter;
        if (after !== before) found.push({ method, group: one.group, removed: one.rows[index].label, before, after });
      });
    }
    return found;
  }

  // ---- What it turns on: turning.py.

  function leaderOf(played, weights, eligible) {
    const names = sorted(eligible);
    const totals = names.map(() => 0);
    for (const one of played) {
      const shares = one.criteria.map((key) => weights[key]);
      const total = sum(shares);
      if (total <= 0) continue;
      const scaled = shares.map((share) => share / total);
      names.forEach((name, place) => {
        let best = -Infinity;
        for (const index of one.of(name)) best = Math.max(best, dot(one.values[index], scaled));
        totals[place] += best;
      });
    }
    const best = Math.max(...totals);
    return names[totals.findIndex((score) => score >= best - SAME)];
  }

  function smallestFlip(table, played, weights, among = null) {
    const used = table.criteria
      .map((one) => one.key)
      .filter((key) => weights[key] > 0 && played.some((one) => one.criteria.includes(key)));
    const everywhere = (name) => played.every((one) => one.adapters.includes(name));
    const eligible = (played.length ? played[0].adapters : []).filter(
      (name) => everywhere(name) && (among === null || among.includes(name)),
    );
    if (used.length < 2 || eligible.length < 2) return null;
    const leader = leaderOf(played, weights, eligible);
    let best = null;
    for (const key of used) {
      const rest = sum(used.filter((other) => other !== key).map((other) => weights[other]));
      const now = weights[key] / (rest + weights[key]);
      const steps = Array.from({ length: 101 }, (_, step) => step / 100);
      steps.sort((a, b) => Math.abs(a - now) - Math.abs(b - now) || a - b);
      for (const then of steps) {
        if (best !== null && Math.abs(then - now) >= best.change - SAME) break;
        const tried = Object.fromEntries(
          used.map((other) => [other, other === key ? then : (weights[other] / rest) * (1 - then)]),
        );
        const second = leaderOf(played, tried, eligible);
        if (second !== leader) {
          best = { change: Math.abs(then - now), criterion: key, now, then, first: leader, second };
          break;
        }
      }
    }
    return best;
  }

  function turnOf(table, played, weights, trials, order) {
    if (order.length < 2) return null;
    const [first, second] = order;
    const { firm } = table.constants;
    const between = (kind, parts) => ({ kind, first: parts[0][0], second: parts[1][0], criterion: "", flip: null, parts });
    const parts = winnersOf(trials, firm, order);
    if (parts.length > 1) return between("family", parts);
    if (equalRows(played, first, second)) return { kind: "equal", first, second, criterion: "", flip: null };
    const quiet = runTrials(table, played, weights, false);
    const flip = smallestFlip(table, played, weights, order);
    const leaders = winnersOf(trials, 0, order);
    const steady = flip === null || Math.max(...Object.values(quiet.first)) >= firm;
    if (leaders.length > 1 && (steady || Math.abs(flip.then - flip.now) > FAR)) return between("lean", leaders);
    if (steady) {
      return { kind: "noise", first, second, criterion: noisiest(played, first, second), flip: null };
    }
    return { kind: "weight", first: flip.first, second: flip.second, criterion: flip.criterion, flip };
  }

  function winnersOf(trials, firm, among) {
    const parts = new Map();
    for (const [group, shares] of trials.byGroup) {
      const best = bestIndex(sorted(Object.keys(shares)), (name) => shares[name]);
      if (shares[best] >= firm && among.includes(best)) parts.set(best, [...(parts.get(best) || []), group]);
    }
    const ordered = [...parts].sort((a, b) => b[1].length - a[1].length || (a[0] < b[0] ? -1 : 1));
    return ordered.map(([name, groups]) => [name, groups.sort((a, b) => a - b)]);
  }

  function equalRows(played, first, second) {
    return played.every((one) => {
      const [a, b] = [bestRow(one, first), bestRow(one, second)];
      if (a === undefined || b === undefined) return false;
      return one.values[a].every((value, column) => Math.abs(value - one.values[b][column]) <= SAME);
    });
  }

  function noisiest(played, first, second) {
    const sums = new Map();
    for (const one of played) {
      const [a, b] = [bestRow(one, first), bestRow(one, second)];
      if (a === undefined || b === undefined) continue;
      one.criteria.forEach((key, column) => {
        const spread = one.halves[a][column] ** 2 + one.halves[b][column] ** 2;
        sums.set(key, (sums.get(key) || 0) + one.weights[column] ** 2 * spread);
      });
    }
    return bestIndex(sorted(sums.keys()), (key) => sums.get(key)) ?? played[0].criteria[0];
  }

  // ---- One question asked of one table: case.py.

  function caseOf(table, answers, given) {
    const chosen = choicesOf(table, answers);
    const conditions = conditionsOf(table, chosen);
    const filtered = filteredBy(table, chosen);
    const weights = weightsOf(table, chosen, given);
    const { played, asides } = fieldsOf(table, conditions.groups, filtered.kept, modeClasses(chosen), weights);
    const trials = played.length ? runTrials(table, played, weights) : null;
    const order = trials
      ? Object.keys(trials.first).sort((a, b) => trials.first[b] - trials.first[a] || (a < b ? -1 : 1))
      : [];
    const codes = new Map();
    for (const one of played) {
      const { code } = table.groups[one.group];
      if (code) codes.set(code, [...(codes.get(code) || []), one.group]);
    }
    const fronts = played.map((one) => frontOf(one, Math.log1p(table.groups[one.group].delta)));
    const firm = trials !== null && order.length > 0 && trials.clear[order[0]] >= table.constants.firm;
    const pick = firm && !codes.size && !conditions.givenUp.length ? order[0] : null;
    const candidates = pick ? [pick] : candidatesOf(table, trials, order);
    const checked = played.slice(0, MOST_CHECKED);
    return {
      table,
      voice: voiceOf(table),
      chosen,
      conditions,
      filtered,
      weights,
      played,
      asides,
      trials,
      order,
      fronts,
      codes,
      pick,
      candidates,
      named: played.length ? candidates : filtered.kept,
      turn: trials !== null && pick === null ? turnOf(table, played, weights, trials, candidates) : null,
      methods: checked.map((one) => firstByMethod(table, one)),
      reversals: checked.flatMap((one, index) => reversalsOf(table, one, fronts[index])),
    };
  }

  function candidatesOf(table, trials, order) {
    if (trials === null) return [];
    const { constants } = table;
    if (order.length && trials.clear[order[0]] >= constants.firm) return order.slice(0, 1);
    const found = [];
    let held = 0;
    for (const name of order) {
      const enough = held >= constants.firm && found.length >= 2;
      if (enough || found.length >= constants.most_candidates || (found.length && trials.first[name] <= 0)) break;
      found.push(name);
      held += trials.first[name];
    }
    return found;
  }

  // ---- What was measured between two: comparing.py.

  function sharedBy(found, first, second) {
    return found.played
      .map((one) => [one, bestRow(one, first), bestRow(one, second)])
      .filter(([, a, b]) => a !== undefined && b !== undefined);
  }

  function ratioOf(found, key, pairs) {
    const place = found.table.criteria.findIndex((one) => one.key === key);
    const sign = found.table.criteria[place].better;
    const gaps = [];
    let half = null;
    for (const [one, first, second] of pairs) {
      const column = one.criteria.indexOf(key);
      if (column < 0) continue;
      gaps.push(sign * (one.values[first][column] - one.values[second][column]));
      const figures = [first, second].map((index) => one.rows[index].values[place]);
      const recorded = figures.every((figure) => figure.length === 2 && figure[1] > 0);
      half = recorded ? Math.hypot(figures[0][1], figures[1][1]) : null;
    }
    if (!gaps.length) return null;
    const middle = sum(gaps) / gaps.length;
    if (gaps.length > 1) return { middle, low: Math.min(...gaps), high: Math.max(...gaps) };
    return half === null ? { middle, low: null, high: null } : { middle, low: middle - half, high: middle + half };
  }

  function byWeight(found) {
    const used = Object.keys(found.weights).filter((key) => found.played.some((one) => one.criteria.includes(key)));
    return used.sort((a, b) => found.weights[b] - found.weights[a]);
  }

  function why(found, first, second) {
    const { voice } = found;
    const pairs = sharedBy(found, first, second);
    const [good, bad] = [[], []];
    for (const key of byWeight(found)) {
      const ratio = ratioOf(found, key, pairs);
      if (ratio === null || good.length + bad.length >= 3) continue;
      const { better } = found.table.criteria.find((one) => one.key === key);
      (ratio.middle * better < 0 ? bad : good).push(compared(found, key, ratio));
    }
    if (!good.length && !bad.length) return null;
    let items = listed(good.length ? good : bad);
    if (good.length && bad.length) items = voice.say("but", { good: items, bad: listed(bad) });
    const links = pairs.flatMap(([one, a, b]) => [cell(one.rows[a]), cell(one.rows[b])]);
    if (pairs.length === 1) {
      const [one, a, b] = pairs[0];
      const names = { row: one.rows[a].label, items, other: one.rows[b].label };
      return sentence(voice.say("why", names), links);
    }
    const names = { count: pairs.length, title: voice.title(first), items, other: voice.title(second) };
    return sentence(voice.say("why_many", names), links);
  }

  function uncertain(found, key, first, second) {
    const pairs = sharedBy(found, first, second);
    const ratio = ratioOf(found, key, pairs);
    return ratio === null || ratio.low === null || pairs.length !== 1 ? null : compared(found, key, ratio);
  }

  function compared(found, key, ratio) {
    const { compare } = found.table.criteria.find((one) => one.key === key);
    const comparison = phrase(compare, { ratio: times(ratio.middle) });
    if (ratio.low === null) return comparison;
    return found.voice.say("within", { comparison, low: times(ratio.low), high: times(ratio.high) });
  }

  // ---- The answer: headlines.py.

  const distinct = (groups, axis) => sorted(unique(groups.map((group) => String(group[axis]))));
  const wantedWords = (found, choice) => Object.values(choice.option.select).flat().map(found.voice.word);

  function headlinesOf(found, cautions, retired) {
    return [answerOf(found), groundsOf(found), besideOf(found, cautions, retired)].filter((one) => one !== null);
  }

  function summary(found) {
    const { voice, filtered } = found;
    const asked = found.chosen.filter((choice) => choice.option.needs.length || choice.option.modes.length);
    const count = Object.keys(found.table.adapters).length;
    const links = asked.map(answer);
    for (const [name, reasons] of filtered.out) {
      for (const one of reasons) if (one.fact) links.push(fact(name, one.fact));
    }
    if (!asked.length) return sentence(voice.say("said_nothing", { count }));
    const answers = voice.quoted(asked);
    if (!filtered.out.size) return sentence(voice.say("said_all", { answers, count }), links);
    const names = voice.titles([...filtered.out.keys()]);
    return sentence(voice.say("said", { answers, names, count, kept: filtered.kept.length }), links);
  }

  const cellsOf = (found, adapters) =>
    found.played.flatMap((one) => adapters.flatMap((name) => one.of(name).map((index) => cell(one.rows[index]))));

  function answerOf(found) {
    const { voice, trials, table } = found;
    if (!found.filtered.kept.length) {
      return sentence(voice.say("none"), found.chosen.filter((choice) => choice.option.needs.length).map(answer));
    }
    if (trials === null) {
      if (found.conditions.groups.length && table.run) {
        return sentence(voice.say("unweighed", { names: voice.titles(found.filtered.kept) }), found.asides.map((aside) => cell(aside.row)));
      }
      return sentence(voice.say("facts", { names: voice.titles(found.filtered.kept) }), factLinks(found));
    }
    const each = thousands(trials.count);
    const count = found.played.length === 1 ? each : `${found.played.length} × ${each}`;
    const shares = listed(
      found.candidates.map((name, place) =>
        voice.say(place ? "share_more" : "share", { title: voice.title(name), share: percent(trials.first[name]) }),
      ),
    );
    const links = cellsOf(found, found.candidates);
    const alone = found.order.length === 1 ? voice.title(found.order[0]) : null;
    if (found.conditions.givenUp.length) {
      const groups = found.conditions.groups.map((index) => table.groups[index]);
      const used = ["task", "device", "precision"].flatMap((axis) => distinct(groups, axis).map(voice.word));
      const wanted = listed(found.conditions.givenUp.flatMap((choice) => wantedWords(found, choice)));
      if (alone) return sentence(voice.say("hint_only", { wanted, used: enumerated(used), title: alone }), links);
      return sentence(voice.say("hint", { wanted, used: enumerated(used), shares, trials: count }), links);
    }
    if (found.codes.size) {
      const reasons = [...found.codes.keys()].map((code) => ({ text: table.texts[code] || table.texts.unnamed }));
      if (alone) return sentence(voice.say("denied_only", { reason: listed(reasons), title: alone }), links);
      return sentence(voice.say("denied", { reason: listed(reasons), shares, trials: count }), links);
    }
    if (found.pick === null) {
      const names = voice.titles(found.candidates);
      const firm = percent(table.constants.firm);
      return sentence(voice.say("open", { names, shares, trials: count, firm }), links);
    }
    const title = voice.title(found.pick);
    const modes = voice.either(modesOf(found, found.pick));
    if (alone) return sentence(voice.say("only", { title, modes }), links);
    const share = percent(trials.first[found.pick]);
    return sentence(voice.say("firm", { title, modes, share, trials: count }), links);
  }

  function modesOf(found, adapter) {
    const shares = {};
    for (const one of found.played) {
      for (const index of one.of(adapter)) {
        const row = one.rows[index];
        shares[row.mode] = (shares[row.mode] || 0) + found.trials.rows[row.key] / found.played.length;
      }
    }
    const total = sum(Object.values(shares));
    const ordered = Object.keys(shares).sort((a, b) => shares[b] - shares[a] || (a < b ? -1 : 1));
    if (total <= 0 || shares[ordered[0]] >= 0.8 * total) return ordered.slice(0, 1);
    return ordered.filter((mode) => shares[mode] >= 0.1 * total);
  }

  function groundsOf(found) {
    const { order } = found;
    if (!found.filtered.kept.length) return withoutOne(found);
    if (!found.played.length || found.conditions.givenUp.length) return summary(found);
    if (found.pick !== null) return order.length > 1 ? why(found, found.pick, order[1]) : summary(found);
    if (found.turn !== null) return turned(found, found.turn);
    return order.length > 1 ? why(found, order[0], order[1]) : null;
  }

  function turned(found, turn) {
    const { voice } = found;
    const [first, second] = [voice.title(turn.first), voice.title(turn.second)];
    const links = cellsOf(found, [turn.first, turn.second]);
    if (turn.parts) return sentence(partsOf(found, turn), [{ answer: "family" }, ...links]);
    if (turn.kind === "equal") return sentence(voice.say("turn_equal", { first, second }), links);
    const criterion = voice.criterion(turn.criterion);
    if (turn.flip === null) {
      const comparison = uncertain(found, turn.criterion, turn.first, turn.second);
      if (comparison === null) return sentence(voice.say("turn_noise", { criterion, first, second }), links);
      return sentence(voice.say("turn_noise_by", { comparison, first, second }), links);
    }
    const [now, then] = [percent(turn.flip.now), percent(turn.flip.then)];
    const key = found.table.criteria.find((one) => one.key === turn.criterion).question;
    const question = { text: found.table.questions.find((one) => one.key === key).text };
    const said = voice.say("turn_weight", { criterion, question, now, then, first, second });
    return sentence(said, [{ answer: key }, ...links]);
  }

  function partsOf(found, turn) {
    const { voice } = found;
    const members = turn.parts.map(([, groups]) => groups.map((index) => found.table.groups[index]));
    const apart = (axis) => {
      const values = members.flatMap((groups) => distinct(groups, axis));
      return new Set(values).size === values.length && !values.includes("other");
    };
    const axis = ["family", "task", "device", "precision", "workload"].find(apart) || "workload";
    const parts = turn.parts.map(([name], place) => {
      const models = listed(distinct(members[place], axis).map(voice.word));
      return voice.say("turn_part", { title: voice.title(name), models });
    });
    const text = turn.kind === "lean" ? "turn_lean" : axis === "family" ? "turn_family" : "turn_conditions";
    return voice.say(text, { parts: clauses(parts) });
  }

  function besideOf(found, cautions, retired) {
    let grave = cautions.filter((one) => one.grave).slice(0, 2).map((one) => one.sentence);
    const command = commandOf(found);
    if (command !== null) grave = [...grave.slice(0, 1), sentence(found.voice.say("measure", { command }))];
    if (grave.length) {
      const plain = ({ text, params }) => (params ? { text, params } : { text });
      let said = plain(grave[0]);
      for (const one of grave.slice(1)) said = found.voice.say("sentences", { first: said, rest: plain(one) });
      return sentence(said, grave.flatMap((one) => one.links));
    }
    if (retired.length && found.chosen.some((choice) => choice.question === "ecosystem")) return retired[0];
    if (found.played.length && found.filtered.kept.length && found.order.length > 1) return summary(found);
    return null;
  }

  function commandOf(found) {
    if ((found.played.length && !found.conditions.givenUp.length) || !found.filtered.kept.length) return null;
    const values = Object.assign({}, ...found.chosen.map((choice) => choice.option.select));
    const words = ["frameworkbench run"];
    for (const [axis, usual, known] of [
      ["task", "train", ["infer"]],
      ["device", "cpu", ["cuda"]],
      ["precision", "float32", ["tf32", "bfloat16"]],
    ]) {
      const wanted = values[axis] || [usual];
      if (wanted.includes(usual)) continue;
      if (!wanted.every((one) => known.includes(one))) return null;
      words.push(`--${axis} ${wanted[wanted.length - 1]}`);
    }
    return words.join(" ");
  }

  function withoutOne(found) {
    let best = null;
    for (const choice of found.chosen) {
      const names = [...found.filtered.out]
        .filter(([, reasons]) => reasons.every((one) => same(one.choice, choice)))
        .map(([name]) => name);
      if (names.length && (best === null || names.length > best.names.length)) best = { choice, names };
    }
    if (best === null) return null;
    const said = { answer: { text: best.choice.option.text }, names: found.voice.titles(best.names) };
    return sentence(found.voice.say("without", said), [answer(best.choice)]);
  }

  function factLinks(found) {
    const needed = found.chosen.flatMap((choice) => choice.option.needs.map((need) => need.fact));
    return found.filtered.kept.flatMap((name) =>
      needed.filter((key) => key in (found.table.facts[name] || {})).map((key) => fact(name, key)),
    );
  }

  // ---- What weakens it: cautions.py.

  function cautionsOf(found) {
    const all = [
      ...unstatedCautions(found),
      ...dataCautions(found),
      ...conditionCautions(found),
      ...asideCautions(found),
      ...droppedCautions(found),
      ...factCautions(found),
      ...convergenceCautions(found),
      ...modeCautions(found),
      ...methodCautions(found),
      ...lastCautions(found),
    ];
    return [...all.filter((one) => one.grave), ...all.filter((one) => !one.grave)];
  }

  const workloadsOf = (found, groups) =>
    listed(sorted(unique(groups.map((index) => found.table.groups[index].workload))));
  const cellsOfGroups = (found, groups) =>
    found.played.filter((one) => groups.includes(one.group)).flatMap((one) => one.rows.map(cell));

  const unstatedCautions = ({ voice, filtered, named }) =>
    [...filtered.unknown].map(([key, names]) => ({
      sentence: sentence(voice.say("unknown", { fact: voice.topic(key), names: voice.titles(names) })),
      grave: names.some((name) => named.includes(name)),
    }));

  function dataCautions(found) {
    const groups = found.played.map((one) => one.group).filter((index) => found.table.groups[index].data !== "real");
    if (!groups.length) return [];
    const said = found.voice.say("synthetic", { workloads: workloadsOf(found, groups) });
    return [{ sentence: sentence(said, cellsOfGroups(found, groups)), grave: true }];
  }

  function conditionCautions(found) {
    const { voice, table, conditions } = found;
    const cautions = [];
    if (table.run !== null) {
      for (const choice of [...conditions.partly, ...(found.played.length ? [] : conditions.givenUp)]) {
        const wanted = listed(wantedWords(found, choice));
        cautions.push({ sentence: sentence(voice.say("partly", { wanted })), grave: true });
      }
    }
    for (const [code, groups] of found.codes) {
      const reason = { text: table.texts[code] || table.texts.unnamed };
      const said = voice.say("code", { workloads: workloadsOf(found, groups), reason });
      cautions.push({ sentence: sentence(said, cellsOfGroups(found, groups)), grave: conditions.givenUp.length > 0 });
    }
    return cautions;
  }

  function asideCautions(found) {
    const sets = new Map();
    for (const aside of found.asides) {
      const { workload } = found.table.groups[aside.row.group];
      const state = ["invalid", "not_ok"].includes(aside.why) ? [aside.row.status, aside.row.code] : ["", ""];
      const key = JSON.stringify([aside.why, workload, aside.criterion, ...state]);
      if (!sets.has(key)) sets.set(key, []);
      sets.get(key).push(aside);
    }
    return [...sets].map(([key, members]) => {
      const [reason, workload, criterion, status, code] = JSON.parse(key);
      const params = { row: listed(unique(members.map((aside) => aside.row.label))), workload };
      if (reason === "incomplete") params.criterion = found.voice.criterion(criterion);
      if (reason === "not_ok") Object.assign(params, { status, code: code || "–" });
      if (reason === "invalid") params.code = code;
      const said = sentence(found.voice.say(reason, params), members.map((aside) => cell(aside.row)));
      return { sentence: said, grave: BROKEN.includes(reason) };
    });
  }

  function droppedCautions(found) {
    if (!found.played.length) return [];
    const used = byWeight(found);
    const lost = Object.keys(found.weights).filter((key) => found.weights[key] > 0 && !used.includes(key));
    if (!lost.length) return [];
    const said = found.voice.say("dropped", { criteria: listed(lost.map(found.voice.criterion)) });
    return [{ sentence: sentence(said), grave: sum(lost.map((key) => found.weights[key])) >= 0.25 }];
  }

  function factCautions(found) {
    const { voice, table } = found;
    const needed = unique(found.chosen.flatMap((choice) => choice.option.needs.map((need) => need.fact)));
    const cautions = [];
    for (const name of found.named) {
      const stated = table.facts[name] || {};
      for (const key of unique([...needed, MAINTENANCE])) {
        if (stated[key] && stated[key].stale) {
          const params = { fact: voice.topic(key), title: voice.title(name), checked: stated[key].checked };
          cautions.push({ sentence: sentence(voice.say("stale", params), [fact(name, key)]), grave: true });
        }
      }
      const state = stated[MAINTENANCE];
      if (state && JSON.stringify(state.value) !== '["active"]') {
        const retired = JSON.stringify(state.value) === '["retired"]';
        const params = { title: voice.title(name), checked: state.checked };
        if (!retired) params.state = voice.value(name, MAINTENANCE);
        const said = voice.say(retired ? "retired_only" : "state", params);
        cautions.push({ sentence: sentence(said, [fact(name, MAINTENANCE)]), grave: retired });
      }
    }
    if (needed.length) {
      const links = found.named.flatMap((name) =>
        needed.filter((key) => key in (table.facts[name] || {})).map((key) => fact(name, key)),
      );
      const said = voice.say("by_facts", { topics: listed(needed.map(voice.topic)) });
      cautions.push({ sentence: sentence(said, links), grave: false });
    }
    return cautions;
  }

  function convergenceCautions(found) {
    return found.played.flatMap((one) =>
      one.rows
        .filter((row) => row.flags.includes("convergence") && found.candidates.includes(row.adapter))
        .map((row) => {
          const said = { row: row.label, workload: found.table.groups[one.group].workload };
          return { sentence: sentence(found.voice.say("convergence", said), [cell(row)]), grave: true };
        }),
    );
  }

  function modeCautions(found) {
    const rows = found.played
      .flatMap((one) => found.candidates.map((name) => one.rows[bestRow(one, name)]))
      .filter((row) => row !== undefined && !row.main);
    if (!rows.length) return [];
    const said = found.voice.say("modes", { rows: listed(sorted(unique(rows.map((row) => row.label)))) });
    return [{ sentence: sentence(said, rows.map(cell)), grave: false }];
  }

  function methodCautions(found) {
    const { voice } = found;
    const cautions = [];
    for (const method of METHODS.slice(1)) {
      const others = new Map();
      found.methods.forEach((firsts, index) => {
        if (firsts[method] === firsts[METHODS[0]]) return;
        others.set(firsts[method], [...(others.get(firsts[method]) || []), found.played[index].group]);
      });
      for (const [name, groups] of others) {
        const said = voice.say("method", { method, title: voice.title(name), workload: workloadsOf(found, groups) });
        cautions.push({ sentence: sentence(said, cellsOfGroups(found, groups)), grave: false });
      }
    }
    for (const one of found.reversals) {
      const said = voice.say("reversal", {
        removed: one.removed,
        method: one.method,
        title: voice.title(one.after),
        workload: found.table.groups[one.group].workload,
      });
      cautions.push({ sentence: sentence(said, cellsOfGroups(found, [one.group])), grave: false });
    }
    return cautions;
  }

  function lastCautions(found) {
    const { voice, table } = found;
    const weighed = new Set(table.rows.map((row) => row.adapter));
    const unmeasured = found.filtered.kept.filter((name) => !weighed.has(name));
    const cautions = [];
    if (!found.played.length) return cautions;
    if (unmeasured.length) {
      const said = voice.say("fits_unmeasured", { names: voice.titles(unmeasured) });
      cautions.push({ sentence: sentence(said), grave: false });
    }
    if (byWeight(found).some((key) => ["first_step_warm", "first_step_cold", "memory"].includes(key))) {
      const halves = { start: percent(table.constants.start_spread), memory: percent(table.constants.memory_spread) };
      cautions.push({ sentence: sentence(voice.say("assumed", halves)), grave: false });
    }
    cautions.push({ sentence: sentence(voice.say("unverified")), grave: false });
    return cautions;
  }

  function retiredRows(found) {
    const { voice, table } = found;
    const stated = (name) => ((table.facts[name] || {})[MAINTENANCE] || { value: [] }).value;
    const sentences = [];
    for (const name of found.filtered.kept.filter((one) => JSON.stringify(stated(one)) === '["retired"]')) {
      const rows = table.rows.filter((row) => row.adapter === name && found.conditions.groups.includes(row.group));
      const leader = found.order.length ? found.order[0] : name;
      const speed = ratioOf(found, "throughput", sharedBy(found, name, leader));
      if (!rows.length || name === leader || speed === null) continue;
      const said = voice.say("retired", {
        title: voice.title(name),
        checked: table.facts[name][MAINTENANCE].checked,
        proved: rows.filter((row) => row.status === "ok").length,
        count: rows.length,
        ratio: times(speed.middle),
        first: voice.title(leader),
      });
      sentences.push(sentence(said, [fact(name, MAINTENANCE), ...rows.map(cell)]));
    }
    return sentences;
  }

  // ---- Why: reasons.py.

  function becauseOf(found) {
    const { voice } = found;
    const sentences = found.order.slice(1, 4).map((other) => why(found, found.order[0], other));
    if (found.pick !== null) sentences.push(flipOf(found));
    sentences.push(...found.chosen.map((choice) => saidOf(found, choice)));
    if (found.played.length) {
      const shares = Object.entries(found.weights)
        .filter(([, weight]) => weight > 0)
        .map(([key, weight]) => voice.say("weight", { criterion: voice.criterion(key), share: percent(weight) }));
      sentences.push(sentence(voice.say("weights", { weights: enumerated(shares) })));
    }
    return sentences.filter((one) => one !== null);
  }

  function flipOf(found) {
    const flip = smallestFlip(found.table, found.played, found.weights);
    if (flip === null) return null;
    const { voice } = found;
    const said = { now: percent(flip.now), then: percent(flip.then), second: voice.title(flip.second) };
    return sentence(voice.say("flip", { criterion: voice.criterion(flip.criterion), ...said }));
  }

  function saidOf(found, choice) {
    const { voice, table } = found;
    const { option } = choice;
    const effects = [];
    const links = [answer(choice)];
    if (option.needs.length || option.modes.length) {
      const names = [...found.filtered.out]
        .filter(([, reasons]) => reasons.some((one) => same(one.choice, choice)))
        .map(([name]) => name);
      effects.push(names.length ? voice.say("effect_out", { names: voice.titles(names) }) : voice.say("effect_all"));
      for (const name of names) links.push(...option.needs.map((need) => fact(name, need.fact)));
    }
    if (option.modes.length) effects.push(voice.say("effect_modes"));
    if (selects(choice) && table.run !== null) {
      const { conditions } = found;
      if (holds(conditions.givenUp, choice) || holds(conditions.partly, choice) || !conditions.groups.length) {
        effects.push(voice.say("effect_unmeasured"));
      } else {
        effects.push(voice.say("effect_select", { count: conditions.groups.length, all: table.groups.length }));
      }
    }
    if (Object.keys(option.weights).length && found.played.length) {
      effects.push(voice.say("effect_weight", { criteria: listed(Object.keys(option.weights).map(voice.criterion)) }));
    }
    if (!effects.length) return null;
    return sentence(voice.say("because", { answer: { text: option.text }, effects: clauses(effects) }), links);
  }

  function leftOut(found) {
    const { voice, table } = found;
    const list = [];
    for (const [name, reasons] of found.filtered.out) {
      for (const { choice, fact: key } of reasons) {
        const said = { title: voice.title(name), answer: { text: choice.option.text } };
        if (key === null) {
          list.push({ adapter: name, because: sentence(voice.say("out_modes", said), [answer(choice)]) });
          continue;
        }
        const stated = { fact: voice.topic(key), value: voice.value(name, key), checked: table.facts[name][key].checked };
        const text = voice.say("out_fact", { ...said, ...stated });
        list.push({ adapter: name, because: sentence(text, [answer(choice), fact(name, key)]) });
      }
    }
    if (!found.played.length) return list;
    for (const name of found.filtered.kept.filter((one) => !found.order.includes(one))) {
      const mine = table.rows.filter((row) => row.adapter === name && found.conditions.groups.includes(row.group));
      const text = voice.say(mine.length ? "out_status" : "out_unmeasured", { title: voice.title(name) });
      list.push({ adapter: name, because: sentence(text, mine.map(cell)) });
    }
    return list;
  }

  // ---- All of it as plain data: advice.py.

  function advise(table, answers, weights) {
    const found = caseOf(table, answers || {}, weights || {});
    const cautions = cautionsOf(found);
    const retired = retiredRows(found);
    return {
      headlines: headlinesOf(found, cautions, retired),
      because: [...becauseOf(found), ...retired],
      cautions: cautions.map((one) => one.sentence),
      left_out: leftOut(found),
      pick: found.pick,
      candidates: found.candidates,
      ranking: rankingOf(found),
      weights: found.weights,
      turn: turnFacts(found.turn),
      checks: checksOf(found),
    };
  }

  function rankingOf(found) {
    if (found.trials === null) return [];
    return found.order.map((name) => ({
      adapter: name,
      title: found.voice.title(name),
      share: found.trials.first[name],
      firm_share: found.trials.clear[name],
      rows: found.played.flatMap((one, place) => {
        const scores = meanScores(one);
        return one.of(name).map((index) => ({
          label: one.rows[index].label,
          key: one.rows[index].key,
          group: one.group,
          share: found.trials.rows[one.rows[index].key],
          score: scores[index],
          front: found.fronts[place][index],
        }));
      }),
    }));
  }

  function turnFacts(turn) {
    if (turn === null) return null;
    const { kind, first, second, criterion, flip } = turn;
    return { kind, first, second, criterion: criterion || null, from: flip ? flip.now : null, to: flip ? flip.then : null };
  }

  function checksOf(found) {
    const name = (group) => found.table.groups[group].id;
    const by = (method) => found.methods.map((firsts, index) => [name(found.played[index].group), firsts[method]]);
    return {
      agree: found.methods.every((firsts) => new Set(Object.values(firsts)).size === 1),
      first: Object.fromEntries(METHODS.map((method) => [method, Object.fromEntries(by(method))])),
      reversals: found.reversals.map((one) => ({ ...one, group: name(one.group) })),
    };
  }

  return { advise, render };
})();
