// Starting the page, drawing the groups as they come near the screen, and following the address.

const FIRST_GROUPS = 4;
const MOST_WITH_PICTURES = 6;
let drawn = 0;
let groupsNow = [];

function groupSection(entry) {
  const { group, place, cells } = entry;
  const base = baseOf(group);
  const pairs = comparisons(group, base);
  const id = `w${place + 1}`;
  return el(
    "section",
    { class: "card group", id, "aria-labelledby": `${id}-h`, tabindex: "-1" },
    el("h2", { id: `${id}-h` }, groupTitle(group), isSynthetic(group) ? [" ", el("span", { class: "badge" }, t("synthetic"))] : null),
    el("p", { class: "small soft" }, conditions(group)),
    el("p", {}, el("strong", {}, say(group.sentence))),
    el("p", { class: "small soft" }, say(group.control.sentence)),
    notes(t("Remarks:"), cells.flatMap((cell) => remarksOf(cell).map(([code, sentence]) => `${code}: ${say(sentence)}`))),
    pivot(group, cells, base, pairs),
    rowTable(group, cells, base, pairs),
    notes(threadsHeading(group), cells.filter((cell) => CELLS.threads_note[cell]).map((cell) => `${text("label", cell)}: ${say(CELLS.threads_note[cell])}.`)),
    foldable(t("Pictures: ratios, processes, waiting, memory, accuracy"), () => plots(group, cells, base, pairs) || el("p", {}, t("Nothing was timed.")), {
      class: "pictures",
      open: groupsNow.length <= MOST_WITH_PICTURES,
    }),
    pairTable(group),
    latencyTable(cells),
  );
}

function notes(title, lines) {
  if (!lines.length) return null;
  return [el("p", { class: "small" }, title), el("ul", { class: "plain small" }, lines.map((line) => el("li", {}, line)))];
}

function threadsHeading(group) {
  const lane = text("lane", group.cells[0]);
  if (lane === "matched") return t("Rows whose threads could not be shown to be equal:");
  return t("Lane {lane} does not equalise threads; these rows had, or may have had, another number than the cell's cores:", { lane: axisValueTitle("lane", lane) });
}

function pairTable(group) {
  const pairs = group.pairs;
  if (!pairs.first.length) return null;
  const build = () => {
    const names = [t("main modes"), ...group.families.map(([title]) => say(title))];
    const rows = pairs.first.map((first, n) => {
      const [ratio, interval] = withInterval(pairs.ratio[n], pairs.low[n], pairs.high[n]);
      const [median] = withInterval(pairs.median_ratio[n], pairs.low[n], pairs.high[n]);
      return [
        text("label", first),
        text("label", pairs.second[n]),
        names[pairs.family[n]],
        t("{ratio}× (median {median}×)", { ratio, median }),
        `${interval}×`,
        probability(pairs.p_value[n]),
        pairs.blocks[n],
        el("span", { class: "wide" }, pairVerdict(pairs, n)),
      ];
    });
    return el(
      "div",
      {},
      group.families.map(([, sentence]) => el("p", { class: "small" }, say(sentence))),
      tableOf(
        t("Ratio of throughputs over paired blocks; intervals and p-values are Holm-adjusted within each family; a difference below {delta} does not count", { delta: `${plain(group.delta * 100)} %` }),
        [t("First"), t("Second"), t("Family"), t("Ratio"), t("95 % interval"), t("p (Holm)"), t("Blocks"), t("Verdict")],
        rows,
        [3, 4, 5, 6],
      ),
    );
  };
  return foldable(t("Who is faster than whom: {n} pairs", { n: pairs.first.length }), build);
}

function pairVerdict(pairs, n) {
  const reason = pairs.reason.texts[pairs.reason.of[n]];
  const verdict = t(DATA.verdicts[pairs.verdict[n]]);
  const named = reason ? `${verdict} (${t(reason)})` : verdict;
  const extra = pairs.extra_blocks[n];
  if (extra !== null) return t("{verdict}, needs {n} more blocks", { verdict: named, n: extra });
  if (DATA.verdicts[pairs.verdict[n]] === "inconclusive" && !reason) return t("{verdict}, needs more than 1,000 further blocks", { verdict: named });
  return named;
}

function latencyTable(cells) {
  const rows = cells.filter((cell) => CELLS.latency[cell]);
  if (!rows.length) return null;
  rows.sort((a, b) => (CELLS.latency[a].p50_s || [Infinity])[0] - (CELLS.latency[b].p50_s || [Infinity])[0]);
  const quantile = (found) => {
    if (!found) return NOTHING;
    const [unit, size] = [["s", 1], ["ms", 1e-3], ["µs", 1e-6]].find(([, one]) => found[0] >= one) || ["µs", 1e-6];
    const [mean, interval] = withInterval(found[0] / size, found[1] === null ? null : found[1] / size, found[2] === null ? null : found[2] / size);
    return interval ? `${mean} ${unit} (${interval})` : `${mean} ${unit}`;
  };
  return [
    el("h3", {}, t("Latency of single requests")),
    tableOf(
      t("Batch size 1, one request after the other, from the input on the device to the logits on the host; quantiles within each process, then the geometric mean over processes with a 95 % interval."),
      [t("Framework and mode"), "p50", "p95", "p99", t("Jitter (p99 − p50)"), t("IQR / median"), t("First request"), t("Requests")],
      rows.map((cell) => {
        const found = CELLS.latency[cell];
        return [text("label", cell), quantile(found.p50_s), quantile(found.p95_s), quantile(found.p99_s), quantile(found.jitter_s), found.spread === null ? NOTHING : `${significant(found.spread * 100, 2)} %`, duration(found.first_s), whole(found.n)];
      }),
      [1, 2, 3, 4, 5, 6, 7],
    ),
  ];
}

// ---- Drawing.

function drawGroups(least = FIRST_GROUPS) {
  groupsNow = keptGroups();
  drawn = 0;
  const place = document.getElementById("groups");
  place.replaceChildren();
  const cells = groupsNow.reduce((sum, entry) => sum + entry.cells.length, 0);
  const count = document.getElementById("count");
  const words = t("{shown} of {all} rows in {n} groups", { shown: whole(cells), all: whole(CELLS.count), n: whole(groupsNow.length) });
  if (count) count.textContent = words;
  announce(words);
  if (!groupsNow.length) place.append(el("p", { class: "card" }, t("No row fits this choice.")));
  drawMore(least);
}

function drawMore(count = FIRST_GROUPS) {
  const place = document.getElementById("groups");
  const part = groupsNow.slice(drawn, drawn + count);
  append(place, part.map(groupSection));
  drawn += part.length;
  const more = document.getElementById("more");
  more.hidden = drawn >= groupsNow.length;
  more.textContent = t("Show more groups ({n} left)", { n: groupsNow.length - drawn });
}

function goTo(id) {
  const number_ = /^w(\d+)$/.exec(id);
  if (number_) {
    const at = groupsNow.findIndex((entry) => entry.place + 1 === Number(number_[1]));
    while (at >= drawn && drawn < groupsNow.length) drawMore();
  }
  const target = document.getElementById(id);
  if (!target) return;
  for (let node = target.closest("details"); node; node = node.parentElement.closest("details")) node.open = true;
  target.scrollIntoView();
  if (!target.matches("a, button, input, select, [tabindex]")) target.setAttribute("tabindex", "-1");
  target.focus({ preventScroll: true });
}

// Links within the page keep what the reader chose: the address stays that of the choice.
function watchLinks() {
  document.addEventListener("click", (event) => {
    const link = event.target instanceof Element ? event.target.closest('a[href^="#"]') : null;
    if (!link) return;
    event.preventDefault();
    goTo(decodeURIComponent(link.getAttribute("href").slice(1)));
  });
}

// ---- Languages.

function setLanguage(code) {
  language = code;
  document.documentElement.lang = code === "zh" ? "zh-Hans" : code;
  for (const part of document.querySelectorAll("[data-lang]")) part.hidden = part.dataset.lang !== code;
  for (const button of document.querySelectorAll("#languages button")) button.setAttribute("aria-pressed", String(button.dataset.code === code));
  readGlossary();
}

function drawAll() {
  replaceChildren(document.getElementById("tools-place"), toolBar());
  showChoices();
  drawGroups();
  drawLater();
  explainTerms(document.getElementById("first-screen"));
}

// Parts that the first screen does not need are built after it has been painted.
let laterTimer = 0;

function drawLater() {
  window.clearTimeout(laterTimer);
  laterTimer = window.setTimeout(() => {
    if (hasGuidance()) {
      replaceChildren(document.getElementById("answer-place"), answerCard());
      drawGuidance();
      replaceChildren(document.getElementById("facts-live"), factsTable(), writingTable());
    }
    const claims = document.getElementById("claims-live");
    if (claims) replaceChildren(claims, claimsTable());
    showCell();
    document.documentElement.dataset.ready = "yes";
  }, 0);
}

function followChange(changes) {
  if ("lang" in changes && changes.lang && changes.lang !== language) {
    setLanguage(changes.lang);
    drawAll();
    return;
  }
  const results = ["chosen", "show", "measure", "sort", "compare"];
  if (results.some((name) => name in changes)) {
    const focused = focusedPlace();
    showChoices();
    // Another filter starts at the top; another order or base keeps what was drawn.
    drawGroups("chosen" in changes ? FIRST_GROUPS : Math.max(FIRST_GROUPS, drawn));
    restoreFocus(focused);
  }
  if ("cell" in changes) showCell();
}

// Tables are drawn anew after each choice made in them; the focus returns to where it was.
function focusedPlace() {
  const node = document.activeElement;
  const group = node ? node.closest("section.group") : null;
  if (!group) return null;
  const row = node.closest("tr[data-row]");
  const kind = node.className;
  const top = node.getBoundingClientRect().top;
  return { group: group.id, row: row ? row.dataset.row : "", kind, sort: node.dataset.sort || "", top };
}

function restoreFocus(place) {
  if (!place) return;
  const group = document.getElementById(place.group);
  if (!group) return;
  const nodes = [...group.querySelectorAll("button")].filter((node) => {
    const row = node.closest("tr[data-row]");
    return node.className === place.kind && (node.dataset.sort || "") === place.sort && (row ? row.dataset.row : "") === place.row;
  });
  if (!nodes.length) return;
  nodes[0].focus({ preventScroll: true });
  window.scrollBy(0, nodes[0].getBoundingClientRect().top - place.top);
}

function start() {
  Object.assign(state, readState(window.location.hash));
  const anchor = window.location.hash.includes("=") ? "" : decoded(window.location.hash.slice(1));
  for (const node of document.querySelectorAll("#static, .static-only")) node.remove();
  for (const node of document.querySelectorAll(".live")) node.hidden = false;
  setLanguage(Object.hasOwn(CATALOGUES, state.lang) || state.lang === "en" ? state.lang : language.split("-")[0]);
  for (const button of document.querySelectorAll("#languages button")) {
    button.addEventListener("click", () => change({ lang: button.dataset.code }));
  }
  document.getElementById("more").addEventListener("click", () => drawMore());
  onChange(followChange);
  window.addEventListener("hashchange", takeAddress);
  window.addEventListener("popstate", takeAddress);
  watchFilters();
  watchLinks();
  watchTerms();
  watchCell();
  watchWidth();
  drawAll();
  if (anchor) goTo(anchor);
}

start();
