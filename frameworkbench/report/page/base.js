// What every other part stands on: the page's data, its words, and elements built without markup from text.

const DATA = JSON.parse(document.getElementById("data").textContent);
const NOTHING = "–";
const SVG = "http://www.w3.org/2000/svg";

// ---- Words. Every text of the page goes through t(); its key is the English text itself.

const CATALOGUES = JSON.parse((document.getElementById("words-data") || { textContent: "{}" }).textContent);
let language = document.documentElement.lang || "en";

function t(text, fields) {
  const table = CATALOGUES[language];
  const found = table && Object.hasOwn(table, text) ? table[text] : text;
  return fields ? filled(found, fields) : found;
}

// A sentence from the records: a text, or a template with fields that may be sentences themselves.
function say(found) {
  if (found === null || found === undefined) return "";
  if (typeof found !== "object") return t(String(found));
  const fields = {};
  for (const [name, value] of Object.entries(found.params || {})) {
    fields[name] = typeof value === "object" ? say(value) : value;
  }
  return filled(t(found.text), fields);
}

function filled(template, fields) {
  return template.replace(/\{\{|\}\}|\{(\w+)\}/g, (whole, name) => {
    if (name === undefined) return whole[0];
    return Object.hasOwn(fields, name) ? String(fields[name]) : whole;
  });
}

// ---- Elements. Text only ever becomes a text node, so nothing in the records can become markup.

function el(tag, attributes, ...children) {
  return built(document.createElement(tag), attributes, children);
}

function svg(tag, attributes, ...children) {
  return built(document.createElementNS(SVG, tag), attributes, children);
}

function built(node, attributes, children) {
  for (const [name, value] of Object.entries(attributes || {})) {
    if (value === null || value === undefined || value === false) continue;
    if (typeof value === "function") node.addEventListener(name, value);
    else node.setAttribute(name, value === true ? "" : String(value));
  }
  append(node, children);
  return node;
}

function append(node, children) {
  for (const child of children.flat(Infinity)) {
    if (child === null || child === undefined || child === false || child === "") continue;
    node.append(child instanceof Node ? child : document.createTextNode(String(child)));
  }
}

function replaceChildren(node, ...children) {
  node.replaceChildren();
  append(node, children);
}

// A table that scrolls within itself; headings are texts or elements, numeric columns are named by their place.
function tableOf(caption, headings, rows, numeric = []) {
  const kind = (place) => (numeric.includes(place) ? "num" : null);
  const cell = (value, place) =>
    place === 0 ? el("th", { scope: "row" }, value) : el("td", { class: kind(place) }, value);
  return scrolling(
    caption,
    el(
      "table",
      {},
      el("caption", {}, caption),
      el(
        "thead",
        {},
        el("tr", {}, headings.map((heading, place) => el("th", { scope: "col", class: kind(place) }, heading))),
      ),
      el("tbody", {}, rows.map((row) => el("tr", {}, row.map(cell)))),
    ),
  );
}

function scrolling(name, ...children) {
  return el("div", { class: "scroll", tabindex: "0", role: "region", "aria-label": name }, children);
}

// A part that is built when it is opened first.
function foldable(title, build, attributes) {
  const details = el("details", attributes, el("summary", {}, title));
  const fill = () => {
    if (!details.open || details.dataset.filled) return;
    details.dataset.filled = "yes";
    append(details, [build()]);
  };
  details.addEventListener("toggle", fill);
  return details;
}

function status(name) {
  const words = {
    ok: ["✓", t("proved"), "good"],
    not_comparable: ["≠", t("not comparable"), "bad"],
    failed: ["✕", t("failed"), "bad"],
    unsupported: ["∅", t("unsupported"), "bad"],
    invalid: ["!", t("invalid"), "bad"],
  };
  const [glyph, word, kind] = words[name] || ["?", name, "bad"];
  return el("span", { class: kind }, el("span", { "aria-hidden": "true" }, glyph), " ", word);
}

function announce(text) {
  const place = document.getElementById("announce");
  if (place) place.textContent = text;
}
