// What is stated and not measured: a table of facts with source, day and a mark on old ones; and claims of others.

const YEAR_DAYS = 365;

function staleFact(fact) {
  const days = (Date.now() - Date.parse(fact.checked)) / 86400000;
  return fact.stale || days > YEAR_DAYS;
}

function factValue(key, fact) {
  const words = (ADVICE.topics[key] || {}).words || {};
  return [fact.value].flat().map((one) => (Object.hasOwn(words, one) ? t(words[one]) : one)).join(", ");
}

// A link only where the source is an address of the web; anything else stays text.
function sourceLink(source) {
  if (!/^https?:\/\//.test(source)) return source;
  return el("a", { href: source, rel: "noreferrer noopener", target: "_blank" }, t("source"), el("span", { class: "hidden" }, ` ${source}`));
}

// A note with the addresses in it as links that show where they lead.
function linked(note) {
  return note.split(/(https?:\/\/[^\s;,)]+)/).map((part, place) => {
    if (place % 2 === 0) return part;
    const host = part.replace(/^https?:\/\//, "").split("/")[0];
    return el("a", { href: part, rel: "noreferrer noopener", target: "_blank", title: part }, host);
  });
}

function factCell(adapter, key) {
  const fact = (ADVICE.facts[adapter] || {})[key];
  if (!fact) return el("span", { class: "soft" }, t("not stated"));
  return el(
    "div",
    { id: `fact-${adapter}-${key}`, tabindex: "-1", class: "fact" },
    el("span", { class: "wide" }, factValue(key, fact)),
    fact.note ? el("span", { class: "sub" }, linked(t(fact.note))) : null,
    el("span", { class: "sub" }, sourceLink(fact.source), `, ${fact.checked}`, staleFact(fact) ? el("span", { class: "bad" }, " ⚠ ", t("older than a year")) : null),
  );
}

function factsTable() {
  const adapters = Object.keys(ADVICE.adapters).sort((a, b) => adapterTitle(a).localeCompare(adapterTitle(b), "en"));
  const used = Object.keys(ADVICE.topics).filter((key) => adapters.some((name) => (ADVICE.facts[name] || {})[key]));
  if (!used.length) return el("p", {}, t("No facts are stated."));
  const table = tableOf(
    t("Stated, not measured; each with its source and the day on which somebody looked"),
    [t("Fact"), ...adapters.map(adapterTitle)],
    used.map((key) => [topicTitle(key), ...adapters.map((name) => factCell(name, key))]),
  );
  table.classList.add("facts-table");
  return table;
}

// ---- How the frameworks are to write in, as far as it can be measured.

function writingTable() {
  const names = Object.keys(DATA.writing).sort((a, b) => adapterTitle(a).localeCompare(adapterTitle(b), "en"));
  if (!names.length) return null;
  const rows = names.flatMap((name) => {
    const lines = plain(DATA.writing[name].lines);
    const said_ = DATA.writing[name].wrong_shapes;
    if (!said_.length) return [[adapterTitle(name), lines, t("not measured"), NOTHING, NOTHING]];
    return said_.map((one) => [`${adapterTitle(name)}: ${one.mode}`, lines, stopOf(one), widthsOf(one), messageOf(one)]);
  });
  return el(
    "div",
    {},
    el("h3", {}, t("Ease of writing, as far as it can be measured")),
    tableOf(
      t("Lines of the adapter that are not blank (all adapters cover the same layers and duties), and what a training step on inputs of the wrong width says"),
      [t("Framework and mode"), t("Lines"), t("Stops"), t("Message names"), t("Message")],
      rows,
      [1],
    ),
  );
}

function stopOf(found) {
  if (!found.where) return t("nowhere");
  return { stage: t("when the batch is handed over"), step: t("in the step"), loss: t("when the loss is read") }[found.where] || found.where;
}

function widthsOf(found) {
  if (found.names_expected && found.names_received) return el("span", {}, "✓ ", t("both widths"));
  if (found.names_expected) return el("span", {}, "◐ ", t("the right width only"));
  return found.names_received ? el("span", {}, "◐ ", t("the wrong width only")) : el("span", {}, "✕ ", t("neither width"));
}

function messageOf(found) {
  return el(
    "details",
    { class: "behind-sentence" },
    el("summary", {}, found.lines === 1 ? t("1 line") : t("{n} lines", { n: found.lines })),
    el("p", { class: "small" }, found.type),
    el("pre", { tabindex: "0", "aria-label": t("Message") }, found.first_lines.join("\n")),
  );
}

// ---- Claims.

function claimVerdict(claim) {
  const glyph = { supported: "✓", contradicted: "✕" }[claim.verdict.text] || "?";
  return el("strong", { class: "mid" }, el("span", { "aria-hidden": "true" }, `${glyph} `), say(claim.verdict));
}

function claimEvidence(claim) {
  const cells = claim.cells.map((key) => evidenceLink({ cell: key })).filter(Boolean);
  const facts = claim.facts.map((fact) => el("span", {}, `${adapterTitle(fact.adapter)}, ${topicTitle(fact.key)}: `, sourceLink(fact.source), ` ${fact.checked}`));
  const statements = claim.statements.map((one) => el("span", {}, `${say(one.text)} `, sourceLink(one.source), ` ${one.checked}`));
  const all = [...facts, ...statements, ...cells];
  if (!all.length) return NOTHING;
  const count = all.length + claim.more;
  if (claim.more) all.push(t("{n} more cells", { n: whole(claim.more) }));
  return el("details", { class: "behind-sentence" }, el("summary", {}, t("evidence: {n}", { n: whole(count) })), el("ul", { class: "plain small" }, all.map((one) => el("li", {}, one))));
}

function claimsTable() {
  return tableOf(
    t("What this run and sourced facts say about claims that somebody published; every limit was fixed before"),
    [t("Claim"), t("Verdict"), t("Why"), t("Evidence")],
    DATA.claims.map((claim) => [
      el("span", { class: "wide claim" }, say(claim.claim), el("span", { class: "sub" }, claim.said_by.join(", "))),
      claimVerdict(claim),
      el("span", { class: "wide" }, say(claim.reason), " ", el("details", { class: "behind-sentence" }, el("summary", {}, t("how it is tested")), el("span", { class: "sub" }, say(claim.how)))),
      claimEvidence(claim),
    ]),
  );
}
