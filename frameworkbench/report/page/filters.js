// The tool bar: which rows are shown, in which order, in which numbers, and against which row.

const MOST_BOXES = 100;
const SEARCH_FROM = 12;

function axisTitle(axis) {
  return {
    workload: t("Workload"),
    adapter: t("Framework"),
    mode: t("Mode"),
    device: t("Device"),
    lane: t("Lane"),
    task: t("Task"),
  }[axis];
}

function axisValueTitle(axis, value) {
  if (axis === "adapter") {
    const cell = CELLS.adapter.of.indexOf(CELLS.adapter.texts.indexOf(value));
    return cell < 0 ? value : text("title", cell);
  }
  if (axis === "task") return { train: t("training"), infer: t("inference") }[value] || value;
  if (axis === "lane") return { default: t("default"), matched: t("matched"), tuned: t("tuned") }[value] || value;
  return value;
}

function toolBar() {
  return el(
    "form",
    { class: "tools", id: "tools", "aria-label": t("Choose what is shown"), submit: (event) => event.preventDefault() },
    el("div", { class: "tool-row" }, AXES.map(axisFilter), resetButton()),
    el("div", { class: "tool-row" }, showChoice(), measureChoice(), compareChoice(), orderChoice()),
    el("p", { class: "small soft", id: "count" }),
  );
}

// A list of boxes that opens below its button; a field narrows long lists.
function axisFilter(axis) {
  const values = [...CELLS[axis].texts].sort((a, b) => a.localeCompare(b, "en", NAME_ORDER));
  if (values.length < 2) return null;
  const picked = el("span", { class: "picked", "data-axis": axis });
  const boxes = el("div", { class: "boxes" });
  const drawBoxes = (wanted) => {
    const chosen = state.chosen[axis] || [];
    const fitting = values.filter((value) => axisValueTitle(axis, value).toLowerCase().includes(wanted.toLowerCase()));
    const shown = fitting.slice(0, MOST_BOXES);
    const more = fitting.length - shown.length;
    replaceChildren(
      boxes,
      shown.map((value) => axisBox(axis, value, chosen.includes(value))),
      more > 0 ? el("p", { class: "small soft" }, t("{n} more: narrow the search", { n: more })) : null,
    );
  };
  const search = el("input", {
    type: "search",
    "aria-label": t("Search in {axis}", { axis: axisTitle(axis) }),
    input: (event) => drawBoxes(event.target.value),
  });
  drawBoxes("");
  const redraw = () => drawBoxes(search.value);
  return el(
    "details",
    { class: "filter", "data-axis": axis, toggle: redraw },
    el("summary", {}, `${axisTitle(axis)}: `, picked),
    el("fieldset", {}, el("legend", { class: "hidden" }, axisTitle(axis)), values.length > SEARCH_FROM ? search : null, boxes),
  );
}

function axisBox(axis, value, checked) {
  const box = el("input", {
    type: "checkbox",
    value,
    change: (event) => {
      const chosen = new Set(state.chosen[axis] || []);
      if (event.target.checked) chosen.add(value);
      else chosen.delete(value);
      change({ chosen: { ...state.chosen, [axis]: [...chosen] } });
    },
  });
  box.checked = checked;
  return el("label", { class: "box" }, box, " ", axisValueTitle(axis, value) || NOTHING);
}

function showChoice() {
  const options = [
    ["absolute", t("absolute")],
    ["relative", t("relative")],
    ["both", t("both")],
  ];
  return el(
    "fieldset",
    { class: "segments" },
    el("legend", {}, t("Numbers")),
    options.map(([value, title]) => {
      const radio = el("input", { type: "radio", name: "show", value, change: () => change({ show: value }) });
      radio.checked = state.show === value;
      return el("label", {}, radio, el("span", {}, title));
    }),
  );
}

function selection(name, title, options, extra = {}) {
  const node = el(
    "select",
    { id: `choose-${name}`, change: (event) => change({ [name]: event.target.value, ...extra }) },
    options.map(([value, words]) => el("option", { value }, words)),
  );
  node.value = state[name];
  return el("label", { class: "choice" }, el("span", {}, title), node);
}

function measureChoice() {
  return selection("measure", t("Overview shows"), Object.entries(MEASURES).map(([name, one]) => [name, one.title()]));
}

function compareChoice() {
  const names = new Set();
  for (let cell = 0; cell < CELLS.count; cell += 1) {
    if (text("role", cell) !== "twin" && speed(cell) !== null) names.add(rowName(cell));
  }
  const rows = [...names].sort((a, b) => a.localeCompare(b, "en", NAME_ORDER));
  return selection("compare", t("Compare to"), [["", t("fastest main mode")], ...rows.map((row) => [row, row])]);
}

function orderChoice() {
  return selection("sort", t("Order"), [
    ["", t("rank")],
    ["name", t("name")],
    ["-speed", t("fastest first")],
    ["speed", t("slowest first")],
    ["wait", t("earliest first step")],
    ["-wait", t("latest first step")],
    ["memory", t("least memory")],
    ["-memory", t("most memory")],
    ["-accuracy", t("highest accuracy")],
    ["accuracy", t("lowest accuracy")],
    ["-name", t("name, backwards")],
  ]);
}

function resetButton() {
  return el(
    "button",
    { type: "button", class: "quiet", id: "reset", click: () => resetChoices() },
    t("Show everything"),
  );
}

function resetChoices() {
  change({ chosen: {}, show: DEFAULTS.show, measure: DEFAULTS.measure, sort: DEFAULTS.sort, compare: DEFAULTS.compare });
  redrawTools();
}

function redrawTools() {
  const old = document.getElementById("tools");
  if (old) old.replaceWith(toolBar());
  showChoices();
}

// Write into the tool bar what is chosen, without building it anew, so that the focus stays where it is.
function showChoices() {
  for (const node of document.querySelectorAll(".picked")) {
    const chosen = state.chosen[node.dataset.axis] || [];
    const names = chosen.map((value) => axisValueTitle(node.dataset.axis, value));
    node.textContent = !chosen.length ? t("all") : chosen.length > 2 ? t("{n} chosen", { n: chosen.length }) : names.join(", ");
  }
  for (const name of ["measure", "compare", "sort"]) {
    const node = document.getElementById(`choose-${name}`);
    if (node) node.value = state[name];
  }
  for (const radio of document.querySelectorAll('input[name="show"]')) radio.checked = radio.value === state.show;
}

function closeFilters(except) {
  for (const open of document.querySelectorAll("details.filter[open]")) if (open !== except) open.open = false;
}

function watchFilters() {
  document.addEventListener("click", (event) => {
    const inside = event.target instanceof Element ? event.target.closest("details.filter") : null;
    closeFilters(inside);
  });
  document.addEventListener("focusin", (event) => closeFilters(event.target.closest("details.filter")));
  document.addEventListener("keydown", (event) => {
    if (event.key !== "Escape") return;
    const open = document.querySelector("details.filter[open]");
    if (!open) return;
    open.open = false;
    open.querySelector("summary").focus();
  });
}
