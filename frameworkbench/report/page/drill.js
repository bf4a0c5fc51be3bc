// The dialog with one cell in full, and its place in the address.

let rawData;

// Read when the first cell is opened; null where the raw parts are in files beside the page.
function raw() {
  const place = document.getElementById("raw-data");
  if (rawData === undefined) rawData = place ? JSON.parse(place.textContent) : null;
  return rawData;
}

function cellOf(key) {
  return key ? CELLS.key.indexOf(key) : -1;
}

function showCell() {
  const dialog = document.getElementById("cell");
  const cell = cellOf(state.cell);
  if (cell < 0) {
    if (dialog.open) dialog.close();
    if (state.cell) announce(t("This report has no cell {key}.", { key: state.cell }));
    return;
  }
  replaceChildren(dialog, cellHead(cell), el("div", { class: "cell-body" }, cellSections(cell)));
  if (!dialog.open) dialog.showModal();
  dialog.scrollTop = 0;
}

function cellHead(cell) {
  const group = GROUP_OF[cell];
  return el(
    "header",
    { class: "cell-head" },
    el("h2", { id: "cell-title", tabindex: "-1" }, `${text("label", cell)}, ${groupTitle(group)}`),
    el("button", { type: "button", class: "close", autofocus: true, click: () => document.getElementById("cell").close() }, t("Close")),
    el("p", { class: "small soft" }, conditions(group), isSynthetic(group) ? [" · ", t("synthetic data")] : ""),
  );
}

function cellSections(cell) {
  const parts = raw();
  const inside = parts ? parts.cells[cell] : null;
  return [
    overview(cell),
    ...(inside ? [certificate(inside, parts.words), settings(inside)] : [elsewhere(cell)]),
    phaseParts(cell),
    sampleParts(cell),
    latencyParts(cell),
    accuracyParts(cell),
    ...(inside ? [processCounts(inside), memoryParts(inside), cardParts(inside), failureParts(inside)] : []),
    provenance(cell),
  ];
}

function overview(cell) {
  const reason = [text("code", cell), said("reason", cell)].filter(Boolean).join(": ");
  const [mean, interval] = speed(cell) === null ? [NOTHING, ""] : withInterval(speed(cell), speed(cell, "low"), speed(cell, "high"));
  return el(
    "section",
    { class: "part" },
    definitions([
      [t("Status"), [status(text("status", cell)), reason ? ` ${reason}` : ""]],
      [t("Worst check"), worstText(cell)],
      [t("Samples/s"), interval ? `${mean} (${interval})` : mean],
      [t("To first step"), [duration(number("time_to_first_step_s", cell)), ", ", t("warm {time}", { time: duration(number("time_to_first_step_warm_s", cell)) })]],
      [t("Peak memory"), bytes(number("peak_memory_bytes", cell))],
      [t("Accuracy"), measureText("accuracy", cell)],
      ...remarksOf(cell).map(([code, sentence]) => [code, say(sentence)]),
    ]),
  );
}

// Where a large report keeps the raw part of a cell.
function elsewhere(cell) {
  const file = `${DATA.beside.folder}/${String(Math.floor(cell / DATA.beside.each) + 1).padStart(4, "0")}.html`;
  return section(
    t("Certificate, settings, failures"),
    el("p", {}, el("a", { href: `${file}#cell=${CELLS.key[cell]}&lang=${language}` }, t("In the file {file} beside this page", { file }))),
  );
}

function phaseParts(cell) {
  const { cold, warm } = CELLS.phases;
  const names = Object.keys(cold).filter((name) => cold[name][cell] !== null || warm[name][cell] !== null);
  if (!names.length) return null;
  return section(
    t("Phases"),
    tableOf(
      t("Cold: the proof process, empty compile caches; warm: median over timed processes"),
      [t("Phase"), t("Cold"), t("Warm")],
      names.map((name) => [phaseName(name.replace(/_s$/, "")), duration(cold[name][cell]), duration(warm[name][cell])]),
      [1, 2],
    ),
  );
}

function sampleParts(cell) {
  if (speed(cell) === null) return null;
  const names = text("blocks", cell).split(" ");
  return section(
    t("Samples"),
    tableOf(
      t("One fresh process each, samples per second"),
      [t("Block"), t("Attempt"), t("Samples/s"), t("From the mean")],
      CELLS.samples[cell].map((value, n) => {
        const share = (value / speed(cell) - 1) * 100;
        return [...names[n].split("."), significant(value, 5), `${share < 0 ? "−" : "+"}${Math.abs(share).toFixed(2)} %`];
      }),
      [0, 1, 2, 3],
    ),
  );
}

function latencyParts(cell) {
  const found = CELLS.latency[cell];
  if (!found) return null;
  const names = { p50_s: "p50", p95_s: "p95", p99_s: "p99", jitter_s: t("Jitter (p99 − p50)") };
  const rows = Object.keys(names).filter((name) => found[name]).map((name) => [names[name], ...found[name].map(duration)]);
  return section(
    t("Latency of single requests"),
    tableOf(t("{n} requests of batch size 1", { n: whole(found.n) }), [t("Quantile"), t("Mean"), t("Low"), t("High")], rows, [1, 2, 3]),
    el("p", { class: "small" }, t("First request: {time}", { time: duration(found.first_s) })),
  );
}

function accuracyParts(cell) {
  const found = CELLS.accuracy[cell];
  if (!found) return null;
  const points = curvePoints(cell);
  return section(
    t("Accuracy"),
    el("p", { class: "small" }, [
      said("accuracy_kind", cell),
      t("{total} test samples", { total: whole(found.total) }),
      found.values.map((value) => percentOf(value, found.total)).join(" · "),
      ...accuracyNotes(cell, found),
    ].filter(Boolean).join("; ")),
    points.length
      ? tableOf(
          t("Training curve, first seed"),
          [t("Epoch"), t("Time so far"), t("Loss"), t("Accuracy")],
          points.map((point) => [point.epoch, duration(point.x), plain(point.loss), percentOf(point.y, found.total)]),
          [0, 1, 2, 3],
        )
      : null,
  );
}

function provenance(cell) {
  const adapter = DATA.adapters[text("adapter", cell)] || {};
  const data = DATA.data[text("workload", cell)] || {};
  return section(
    t("Provenance"),
    definitions([
      [t("Run"), DATA.run],
      [t("Cell key"), el("code", {}, CELLS.key[cell])],
      [t("Framework"), `${text("title", cell)} ${text("framework_version", cell)}`],
      [t("Environment"), t("{kind}, Python {version}, lock {lock}", { kind: adapter.interpreter_kind || NOTHING, version: adapter.python_version || NOTHING, lock: adapter.lock || NOTHING })],
      [t("Data"), t("{name} ({kind}), fingerprint {hash}", { name: data.dataset || NOTHING, kind: t(data.kind || NOTHING), hash: data.fingerprint || NOTHING })],
      [t("Measuring code"), el("code", {}, DATA.code)],
      [t("Protocol"), el("code", {}, DATA.protocol)],
    ]),
    el("p", { class: "small" }, t("Its raw records are in the run folder under records/, found by the cell key; this command recomputes every table from them:")),
    el("pre", {}, "frameworkbench verify RUN"),
  );
}

function watchCell() {
  const dialog = document.getElementById("cell");
  dialog.addEventListener("close", () => {
    const cell = cellOf(state.cell);
    if (!state.cell) return;
    change({ cell: "" });
    const opener = document.querySelector(`button.open[data-cell="${cell}"]`);
    if (opener) opener.focus();
  });
  dialog.addEventListener("click", (event) => {
    if (event.target === dialog) dialog.close(); // the backdrop
  });
}
