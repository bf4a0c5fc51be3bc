// Numbers as text with no more digits than the measurement supports: the same rules as in frameworkbench/report/text.py.

const SUPERSCRIPT = "⁰¹²³⁴⁵⁶⁷⁸⁹";

function digitsBefore(value) {
  return value ? Math.floor(Math.log10(Math.abs(value))) + 1 : 1;
}

function rounded(value, places) {
  if (places >= 0) return grouped(value.toFixed(Math.min(places, 20)));
  const unit = 10 ** -places;
  return grouped(String(Math.round(value / unit) * unit));
}

function grouped(text) {
  const [whole, part] = text.split(".");
  const marked = whole.replace(/\B(?=(\d{3})+$)/g, ",");
  return part === undefined ? marked : `${marked}.${part}`;
}

function significant(value, digits) {
  return value ? rounded(value, digits - digitsBefore(value)) : "0";
}

// Mean and range, both rounded where the interval has its second digit; no interval, no range.
function withInterval(mean, low, high) {
  if (low === null || high === null || low === undefined || high === undefined) return [significant(mean, 3), ""];
  const half = Math.max(mean - low, high - mean);
  let places = half > 0 ? 2 - digitsBefore(half) : 4 - digitsBefore(mean);
  if (low > 0) places = Math.max(places, 1 - digitsBefore(low));
  return [rounded(mean, places), `${rounded(low, places)}–${rounded(high, places)}`];
}

function duration(value) {
  if (value === null || value === undefined) return NOTHING;
  return value >= 0.1 ? `${significant(value, 3)} s` : `${significant(value * 1000, 3)} ms`;
}

function bytes(value) {
  if (value === null || value === undefined) return NOTHING;
  for (const [unit, size] of [["GiB", 2 ** 30], ["MiB", 2 ** 20], ["KiB", 2 ** 10]]) {
    if (value >= size) return `${significant(value / size, 3)} ${unit}`;
  }
  return `${value.toFixed(0)} B`;
}

// A share of so many samples, with the digits that its binomial standard error supports.
function percentOf(value, total) {
  const count = Math.max(total, 1);
  const error = Math.sqrt(Math.max(value * (1 - value), 0.25 / count) / count);
  const places = Math.min(Math.max(-Math.floor(Math.log10(error * 100)), 0), 2);
  return `${(value * 100).toFixed(places)} %`;
}

function factor(value) {
  return value >= 0.1 ? `${value.toFixed(2)}×` : `${significant(value, 2)}×`;
}

function tiny(value) {
  if (typeof value !== "number") return plain(value);
  if (!value) return "0";
  const [mantissa, exponent] = value.toExponential(1).split("e");
  const power = String(Number(exponent)).replace("-", "⁻").replace(/\d/g, (digit) => SUPERSCRIPT[digit]);
  return `${mantissa}×10${power}`;
}

function plain(value) {
  if (typeof value === "number") return Number.isInteger(value) ? grouped(String(value)) : significant(value, 4);
  if (value === null || value === undefined) return NOTHING;
  return typeof value === "object" ? JSON.stringify(value) : String(value);
}

function whole(value) {
  return value === null || value === undefined ? NOTHING : grouped(String(Math.round(value)));
}

function probability(value) {
  return value < 0.001 ? "< 0.001" : significant(value, 2);
}
