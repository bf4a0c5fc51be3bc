// What the reader chose, kept in the address behind "#", so that a link shows the same page again.

const AXES = ["workload", "adapter", "mode", "device", "lane", "task"];
const DEFAULTS = { show: "both", measure: "speed", sort: "", compare: "", cell: "", preset: "", lang: "" };

const state = { ...DEFAULTS, chosen: {}, answers: {}, weights: {} };
const listeners = [];

function readState(hash) {
  const found = { ...DEFAULTS, chosen: {}, answers: {}, weights: {} };
  const text = hash.replace(/^#/, "");
  for (const part of text.includes("=") ? text.split("&") : []) {
    const at = part.indexOf("=");
    const [name, value] = [part.slice(0, at), part.slice(at + 1)];
    if (AXES.includes(name)) found.chosen[name] = value.split(",").map(decoded).filter((one) => one !== "");
    else if (Object.hasOwn(DEFAULTS, name)) found[name] = decoded(value);
    else if (name.startsWith("q.")) found.answers[name.slice(2)] = value.split(",").map(decoded);
    else if (name.startsWith("w.") && Number.isFinite(Number(value))) found.weights[name.slice(2)] = Number(value);
  }
  return found;
}

function writtenState(found) {
  const parts = [];
  for (const axis of AXES) {
    const values = found.chosen[axis] || [];
    if (values.length) parts.push(`${axis}=${values.map(encodeURIComponent).join(",")}`);
  }
  for (const name of Object.keys(DEFAULTS)) {
    if (found[name] !== DEFAULTS[name]) parts.push(`${name}=${encodeURIComponent(found[name])}`);
  }
  for (const [prefix, table] of [["q", found.answers], ["w", found.weights]]) {
    for (const name of Object.keys(table).sort()) {
      parts.push(`${prefix}.${name}=${[table[name]].flat().map((one) => encodeURIComponent(String(one))).join(",")}`);
    }
  }
  return parts.join("&");
}

function decoded(text) {
  try {
    return decodeURIComponent(text);
  } catch {
    return text; // a hand-written address with a lone percent sign
  }
}

// Take over changes, write them into the address and draw. A cell gets an entry of its own in the history.
function change(changes, options = {}) {
  Object.assign(state, changes);
  const hash = `#${writtenState(state)}`;
  if (options.push) window.history.pushState(null, "", hash);
  else window.history.replaceState(null, "", hash);
  for (const listener of listeners) listener(changes);
}

function onChange(listener) {
  listeners.push(listener);
}

function takeAddress() {
  const found = readState(window.location.hash);
  Object.assign(state, found);
  for (const listener of listeners) listener(found);
}
