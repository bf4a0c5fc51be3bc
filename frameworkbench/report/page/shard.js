// A file beside a large page: the raw parts of some of its cells, the one that the address names opened.

function startShard() {
  const asked = new URLSearchParams(window.location.hash.slice(1));
  if (Object.hasOwn(CATALOGUES, asked.get("lang") || "")) language = asked.get("lang");
  document.documentElement.lang = language === "zh" ? "zh-Hans" : language;
  const place = document.getElementById("cells");
  append(
    place,
    DATA.cells.map((raw) =>
      foldable(`${raw.label}, ${raw.workload}`, () => el("div", {}, el("p", { class: "small soft" }, raw.conditions), rawSections(raw, DATA.words)), {
        id: raw.key,
      }),
    ),
  );
  const open = () => {
    const found = document.getElementById(new URLSearchParams(window.location.hash.slice(1)).get("cell"));
    if (!found) return;
    found.open = true;
    found.scrollIntoView();
    found.querySelector("summary").focus({ preventScroll: true });
  };
  window.addEventListener("hashchange", open);
  open();
}

startShard();
