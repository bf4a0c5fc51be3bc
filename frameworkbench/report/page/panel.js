// Guidance, live: questions, presets and weights above, the answer with its reasons below. The answer itself is made by
// guidance.js; this part only asks and shows.

const ADVICE = JSON.parse((document.getElementById("guidance-data") || { textContent: "null" }).textContent);
const MOST_WEIGHT = 10;

function hasGuidance() {
  return ADVICE !== null && typeof Guidance !== "undefined";
}

// The answers in force: those of the chosen preset, or the reader's own.
function answersNow() {
  const preset = ADVICE.presets.find((one) => one.key === state.preset);
  return preset ? preset.answers : state.answers;
}

function advice() {
  return Guidance.advise(ADVICE, answersNow(), state.weights);
}

function presetChoice() {
  const node = el(
    "select",
    { id: "choose-preset", change: (event) => choosePreset(event.target.value) },
    el("option", { value: "" }, Object.keys(state.answers).length ? t("my own answers") : t("nothing said yet")),
    ADVICE.presets.map((one) => el("option", { value: one.key }, t(one.text))),
  );
  node.value = state.preset;
  return el("label", { class: "choice" }, el("span", {}, t("My case")), node);
}

function choosePreset(key) {
  change({ preset: key, answers: {}, weights: {} });
  drawGuidance();
}

// The answer in at most three sentences, on the first screen.
function answerCard() {
  return el(
    "div",
    { id: "answer-live" },
    el("div", { class: "answer-head" }, presetChoice(), el("a", { href: "#guidance" }, t("Answer the questions one by one"))),
    el("div", { id: "headlines", "aria-live": "polite", "data-terms": true }),
  );
}

function guidancePanel() {
  return el(
    "div",
    {},
    el("p", { class: "small soft" }, t("Filters from your answers, then everything that nothing else beats, then weights; an answer is firm when it stays first in at least four of five cases with other weights and measurement noise.")),
    el(
      "div",
      { class: "panel" },
      el("form", { class: "questions", "aria-label": t("Questions"), submit: (event) => event.preventDefault() }, ADVICE.questions.map(questionField)),
      el(
        "div",
        {},
        el("form", { class: "sliders", "aria-label": t("Weights"), submit: (event) => event.preventDefault() }, el("h3", {}, t("Weights")), el("div", { id: "sliders" }), el("button", { type: "button", class: "quiet", id: "reset-weights", click: () => { change({ weights: {} }); drawGuidance(); } }, t("Weights from my answers"))),
        el("div", { id: "advice" }),
      ),
    ),
  );
}

function questionField(question) {
  const chosen = answersNow()[question.key] || [];
  if (!question.many) {
    const node = el(
      "select",
      { id: `q-${question.key}`, change: (event) => answer(question.key, event.target.value ? [event.target.value] : []) },
      el("option", { value: "" }, t("no answer")),
      question.options.map((option) => el("option", { value: option.key }, t(option.text))),
    );
    node.value = chosen[0] || "";
    return el("label", { class: "question" }, el("span", {}, t(question.text)), node);
  }
  return el(
    "fieldset",
    { class: "question", id: `q-${question.key}` },
    el("legend", {}, t(question.text)),
    question.options.map((option) => {
      const box_ = el("input", {
        type: "checkbox",
        value: option.key,
        change: (event) => {
          const now = answersNow()[question.key] || [];
          answer(question.key, event.target.checked ? [...now, option.key] : now.filter((one) => one !== option.key));
        },
      });
      box_.checked = chosen.includes(option.key);
      return el("label", { class: "box" }, box_, " ", t(option.text));
    }),
  );
}

function answer(question, options) {
  const answers = { ...answersNow(), [question]: options };
  if (!options.length) delete answers[question];
  change({ answers, preset: "", weights: state.weights });
  drawAdvice();
}

function drawSliders(found) {
  const place = document.getElementById("sliders");
  const most = Math.max(...Object.values(found.weights), 1e-9);
  replaceChildren(
    place,
    ADVICE.criteria.map((one) => {
      const own = Object.hasOwn(state.weights, one.key);
      const value = own ? state.weights[one.key] : Math.round(((found.weights[one.key] || 0) / most) * MOST_WEIGHT);
      const shown = el("output", {}, value);
      const slider = el("input", {
        type: "range",
        min: 0,
        max: MOST_WEIGHT,
        step: 1,
        value,
        "data-criterion": one.key,
        input: (event) => {
          shown.textContent = event.target.value;
          moveSlider();
        },
      });
      return el("label", { class: "slider" }, el("span", {}, t(one.title)), slider, shown);
    }),
  );
}

// All sliders count together as they stand: a weight means something only beside the others.
function moveSlider() {
  const weights = {};
  for (const slider of document.querySelectorAll("#sliders input")) weights[slider.dataset.criterion] = Number(slider.value);
  change({ weights });
  drawAdvice({ sliders: false });
}

// A sentence with the cells, facts and answers behind it: few beside it, many folded below it.
const MOST_BESIDE = 2;

function sentenceWithLinks(found) {
  const links = (found.links || []).map(evidenceLink).filter(Boolean);
  if (links.length <= MOST_BESIDE) return [say(found), links.map((link) => [" ", link])];
  return [
    say(found),
    " ",
    el("details", { class: "behind-sentence" }, el("summary", {}, t("evidence: {n}", { n: links.length })), links.map((link) => [link, " "])),
  ];
}

function evidenceLink(link) {
  if (link.cell) {
    const cell = cellOf(link.cell);
    if (cell < 0) return null;
    return el("button", { type: "button", class: "evidence", click: () => change({ cell: link.cell }, { push: true }) }, text("label", cell), ` (${text("workload", cell)})`);
  }
  if (link.fact) {
    const [adapter, key] = link.fact;
    return el("a", { class: "evidence", href: `#fact-${adapter}-${key}` }, `${adapterTitle(adapter)}: ${topicTitle(key)}`);
  }
  if (link.answer) return el("a", { class: "evidence", href: `#q-${link.answer}` }, t("your answer"));
  return null;
}

function adapterTitle(name) {
  return ADVICE && ADVICE.adapters[name] ? ADVICE.adapters[name].title : name;
}

function topicTitle(key) {
  return ADVICE && ADVICE.topics[key] ? t(ADVICE.topics[key].title) : key;
}

function sentenceList(title, list) {
  if (!list.length) return null;
  return [el("h3", {}, title), el("ul", { class: "plain small" }, list.map((one) => el("li", {}, sentenceWithLinks(one))))];
}

function rankingTable(found) {
  const percent = (share) => `${Math.round(share * 100)} %`;
  return tableOf(
    t("How often each came first when weights and measurements were varied"),
    [t("Framework"), t("Came first"), t("Rows")],
    found.ranking.map((one) => [
      one.title,
      el("span", { class: "share" }, svg("svg", { class: "share-bar", viewBox: "0 0 100 10", preserveAspectRatio: "none", "aria-hidden": "true" }, svg("rect", { class: "track-bar", x: 0, y: 0, width: 100, height: 10 }), svg("rect", { class: "share-fill", x: 0, y: 0, width: Math.round(one.share * 100), height: 10 })), percent(one.share)),
      el("span", { class: "wide" }, [...new Set(one.rows.map((row) => row.label))].join(", ")),
    ]),
    [1],
  );
}

function drawAdvice(options = {}) {
  const found = advice();
  replaceChildren(document.getElementById("headlines"), found.headlines.map((one, n) => el("p", { class: n ? "reason" : "say" }, sentenceWithLinks(one))));
  if (options.sliders !== false) drawSliders(found);
  replaceChildren(
    document.getElementById("advice"),
    found.headlines.map((one, n) => el("p", { class: n ? "reason" : "say" }, say(one))),
    found.ranking.length > 1 ? rankingTable(found) : null,
    sentenceList(t("Why"), found.because),
    sentenceList(t("What weakens this answer"), found.cautions),
    found.left_out.length
      ? [el("h3", {}, t("Left out")), el("ul", { class: "plain small" }, found.left_out.map((one) => el("li", {}, el("strong", {}, adapterTitle(one.adapter)), " – ", sentenceWithLinks(one.because))))]
      : null,
  );
  const preset = document.getElementById("choose-preset");
  if (preset) {
    preset.value = state.preset;
    preset.options[0].textContent = Object.keys(state.answers).length ? t("my own answers") : t("nothing said yet");
  }
  explainTerms(document.getElementById("first-screen"));
}

function drawGuidance() {
  if (!hasGuidance()) return;
  replaceChildren(document.getElementById("guidance-live"), guidancePanel());
  drawAdvice();
}
