// Terms explained where they stand: each first mention in a text is a link to its entry under "Words", whose meaning is
// also shown while the term is pointed at or focused.

let entries = [];

function readGlossary() {
  entries = DATA.glossary
    .map(([word, meaning, ...others], place) => ({ id: `word-${place}-${language}`, word: t(word), meaning: t(meaning), also: [word, ...others].map((one) => t(one)) }))
    .flatMap((entry) => entry.also.map((form) => ({ ...entry, form: form.toLowerCase() })))
    .sort((a, b) => b.form.length - a.form.length);
}

function explainTerms(root) {
  for (const block of root.querySelectorAll("[data-terms]")) {
    for (const old of block.querySelectorAll("a.term")) old.replaceWith(document.createTextNode(old.textContent));
    block.normalize();
    const done = new Set();
    for (const node of textNodes(block)) linkTerms(node, done);
  }
}

function textNodes(root) {
  const walker = document.createTreeWalker(root, NodeFilter.SHOW_TEXT);
  const found = [];
  while (walker.nextNode()) {
    if (!walker.currentNode.parentElement.closest("a, button, code, pre, select")) found.push(walker.currentNode);
  }
  return found;
}

function linkTerms(node, done) {
  const lower = node.data.toLowerCase();
  for (const entry of entries) {
    if (done.has(entry.id)) continue;
    const at = foundAt(lower, entry.form);
    if (at < 0) continue;
    done.add(entry.id);
    const rest = node.splitText(at);
    const after = rest.splitText(entry.form.length + (plural(lower, at + entry.form.length) ? 1 : 0));
    const link = el("a", { class: "term", href: `#${entry.id}`, "data-word": entry.id }, rest.data);
    rest.replaceWith(link);
    linkTerms(node, done);
    linkTerms(after, done);
    return;
  }
}

function plural(text_, at) {
  return text_[at] === "s" && !/[a-z0-9_-]/.test(text_[at + 1] || " ");
}

// Whole words where letters of an alphabet meet; Chinese has no spaces between words.
function foundAt(text_, form) {
  for (let at = text_.indexOf(form); at >= 0; at = text_.indexOf(form, at + 1)) {
    const end = at + form.length + (plural(text_, at + form.length) ? 1 : 0);
    const [before, after] = [text_[at - 1] || " ", text_[end] || " "];
    const letter = /[a-z0-9_-]/;
    const open = !(letter.test(form[0]) && letter.test(before)) && !(letter.test(form.at(-1)) && letter.test(after));
    if (open) return at;
  }
  return -1;
}

function watchTerms() {
  const tip = el("div", { id: "tip", class: "tip", role: "tooltip", hidden: true });
  document.body.append(tip);
  const hide = () => {
    tip.hidden = true;
    for (const link of document.querySelectorAll('a.term[aria-describedby="tip"]')) link.removeAttribute("aria-describedby");
  };
  const show = (link) => {
    const entry = entries.find((one) => one.id === link.dataset.word);
    if (!entry) return;
    hide();
    replaceChildren(tip, el("strong", {}, entry.word), ` – ${entry.meaning}`);
    tip.hidden = false;
    link.setAttribute("aria-describedby", "tip");
    const place = link.getBoundingClientRect();
    const width = Math.min(340, document.documentElement.clientWidth - 24);
    tip.style.width = `${width}px`;
    const left = Math.min(Math.max(12, place.left), document.documentElement.clientWidth - width - 12);
    tip.style.left = `${left + window.scrollX}px`;
    tip.style.top = `${place.bottom + window.scrollY + 6}px`;
  };
  const over = (event) => {
    const link = event.target instanceof Element ? event.target.closest("a.term") : null;
    if (link) show(link);
    else if (!(event.target instanceof Node && tip.contains(event.target))) hide();
  };
  document.addEventListener("mouseover", over);
  document.addEventListener("focusin", over);
  document.addEventListener("keydown", (event) => {
    if (event.key === "Escape") hide();
  });
}
