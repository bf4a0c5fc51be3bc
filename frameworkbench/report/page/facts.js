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

function factCell(adapter, key) {
  const fact = (ADVICE.facts[adapter] || {})[key];
  if (!fact) return el("span", { class: "soft" }, t("not stated"));
  return el(
    "div",
    { id: `fact-${adapter}-${key}`, tabindex: "-1", class: "fact" },
    el("span", { class: "wide" }, factValue(key, fact)),
    fact.note ? el("span", { class: "sub" }, t(fact.note)) : null,
    el("span", { class: "sub" }, sourceLink(fact.source), `, ${fact.checked}`, staleFact(fact) ? el("span", { class: "bad" }, ` ⚠ ${t("older than a year")}`) : null),
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
