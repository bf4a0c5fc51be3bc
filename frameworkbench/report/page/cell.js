// One cell in full, drawn when it is asked for: certificate, settings, phases, samples, ends of logs, provenance.

function section(title, ...children) {
  const inside = children.flat(Infinity).filter(Boolean);
  return inside.length ? el("section", { class: "part" }, el("h3", {}, title), inside) : null;
}

function definitions(pairs) {
  return el("dl", { class: "facts small" }, pairs.map(([name, value]) => [el("dt", {}, name), el("dd", {}, value)]));
}

// ---- From raw parts, which are in this page or in a file beside it.

function certificate(raw, words) {
  const checks = raw.checks;
  if (!checks) return section(t("Parity certificate"), el("p", {}, t("No check ran.")));
  const share = (n) => (typeof checks.error[n] === "number" ? (checks.tolerance[n] ? checks.error[n] / checks.tolerance[n] : checks.error[n]) : Infinity);
  const order = checks.error.map((_, n) => n);
  const failed = order.filter((n) => checks.passed[n] !== "1");
  const rows = order.map((n) => {
    const good = checks.passed[n] === "1";
    return [
      t(words[checks.check[n]]),
      words[checks.tensor[n]],
      plain(checks.step[n]),
      tiny(checks.error[n]),
      tiny(checks.tolerance[n]),
      Number.isFinite(share(n)) && checks.tolerance[n] ? `${significant(share(n) * 100, 2)} %` : NOTHING,
      el("span", { class: good ? "good" : "bad" }, el("span", { "aria-hidden": "true" }, good ? "✓ " : "≠ "), good ? t("within") : t("beyond")),
      t(words[checks.pass[n]]),
    ];
  });
  const sorted = [...failed, ...order.filter((n) => checks.passed[n] === "1")].map((n) => rows[n]);
  const summary = failed.length
    ? t("{failed} of {n} checks are beyond their limits.", { failed: failed.length, n: rows.length })
    : t("All {n} checks are within their limits.", { n: rows.length });
  return section(
    t("Parity certificate"),
    el("p", { class: "small" }, summary, " ", t("Errors are against a float64 reference; limits were fixed before the run.")),
    tableOf(
      t("Every check, tensor by tensor"),
      [t("Check"), t("Tensor"), t("Step"), t("Error"), t("Limit"), t("Share of limit"), t("Result"), t("Process")],
      sorted,
      [2, 3, 4, 5],
    ),
  );
}

function settings(raw) {
  const effective = Object.entries(raw.effective || {}).sort(([a], [b]) => (a < b ? -1 : 1));
  const tuning = (raw.tuning || []).map((one) => {
    const pairs = Object.entries({ ...one.environment, ...one.options }).map(([name, value]) => `${name} = ${plain(value)}`);
    return el("li", {}, `${pairs.join(", ")}. ${one.why} `, t("Source: {source}", { source: one.source }));
  });
  return section(
    t("Effective settings, read back from the framework"),
    effective.length ? definitions(effective.map(([name, value]) => [name, plain(value)])) : null,
    raw.thread_use ? el("p", { class: "small" }, t("Threads: {note}", { note: say(raw.thread_use.note_parts || raw.thread_use.note) })) : null,
    tuning.length ? el("ul", { class: "plain small" }, tuning) : null,
  );
}

function processCounts(raw) {
  const blocks = raw.blocks || {};
  const names = { planned: t("planned"), counted: t("counted"), failed: t("failed"), torn: t("torn"), disturbed: t("disturbed") };
  const counts = Object.keys(names).filter((name) => name in blocks).map((name) => `${names[name]} ${blocks[name]}`);
  const reasons = raw.excluded && raw.excluded.processes ? raw.excluded.reasons : [];
  const warm = raw.warm_up;
  return section(
    t("Timed processes"),
    el("p", { class: "small" }, counts.join(", ")),
    reasons.length ? el("ul", { class: "plain small" }, reasons.map((one) => el("li", {}, `${one.processes}: ${say(one.reason_parts || one.reason)}`))) : null,
    warm ? el("p", { class: "small" }, t("Warm-up: {kind}; {steps} steps before each timed window", { kind: t(String(warm.kind)), steps: plain(warm.warmup_steps) })) : null,
  );
}

function memoryParts(raw) {
  const memory = raw.memory;
  if (!memory) return null;
  const phases = Object.entries(memory.phases || {});
  const columns = [
    ["peak_bytes", t("Peak")],
    ["own_peak_bytes", t("Own peak")],
    ["resident_bytes", t("At its end")],
    ["tree_pss_bytes", t("Shared fairly, tree")],
    ["own_pss_bytes", t("Shared fairly, own")],
  ];
  const growth = memory.growth;
  return section(
    t("Memory"),
    el("p", { class: "small" }, t("{size} from {source}", { size: bytes(memory.peak_bytes), source: t(memory.source) })),
    phases.length
      ? tableOf(t("Memory by phase"), [t("Phase"), ...columns.map(([, title]) => title)], phases.map(([name, phase]) => [phaseName(name), ...columns.map(([key]) => bytes(phase[key]))]), [1, 2, 3, 4, 5])
      : null,
    growth ? el("p", { class: "small" }, t("Growth: {slope} kB a step ({low} to {high})", { slope: significant(growth.slope / 1000, 2), low: significant(growth.low / 1000, 2), high: significant(growth.high / 1000, 2) })) : null,
    (memory.flags || []).map((flag) => el("p", { class: "small" }, `⚑ ${flag.code}: ${say(flag.reason_parts || flag.reason)}`)),
    raw.capacity
      ? el("p", { class: "small" }, t("Largest batch: {batch} within {size} (search ended by: {bound})", { batch: whole(raw.capacity.batch), size: bytes(raw.capacity.cap_bytes), bound: t(raw.capacity.bound) }))
      : null,
  );
}

function phaseName(name) {
  return {
    import: t("import"),
    build: t("build"),
    stage: t("staging"),
    first_step: t("first step"),
    check: t("check"),
    steady: t("steady"),
    warmup: t("warm-up"),
  }[name] || name;
}

function cardParts(raw) {
  const card = raw.card;
  if (!card) return null;
  const simple = Object.entries(card).filter(([, value]) => value !== null && typeof value !== "object");
  const energy = card.energy || {};
  const joules = energy.joules_per_sample;
  return section(
    t("On the card"),
    definitions([
      ...simple.map(([name, value]) => [name, plain(value)]),
      [t("energy"), joules === undefined || joules === null ? t("not measured ({reason})", { reason: energy.not_measured || "" }) : `${significant(joules, 3)} J/sample ${energy.note || ""}`],
    ]),
  );
}

function failureParts(raw) {
  const failures = raw.failures || [];
  return section(
    t("What did not end well"),
    failures.map((one) => [
      el(
        "p",
        { class: "small" },
        status(one.status),
        ` ${one.code}: ${one.reason} `,
        t("({pass} pass, block {block}, attempt {attempt})", { pass: t(String(one.pass)), block: plain(one.block), attempt: plain(one.attempt) }),
      ),
      one.log ? el("p", { class: "small soft" }, t("Log: {file}", { file: one.log })) : null,
      one.log_end ? el("pre", { tabindex: "0", "aria-label": t("End of the log") }, one.log_end) : null,
    ]),
  );
}

function rawSections(raw, words) {
  return [certificate(raw, words), settings(raw), processCounts(raw), memoryParts(raw), cardParts(raw), failureParts(raw)];
}
