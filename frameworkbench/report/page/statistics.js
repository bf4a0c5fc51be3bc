// Paired comparisons of rows that are in none of the report's families: the same tests as in frameworkbench/analysis/,
// on the same one number per process. A browser test holds the two against each other.

// Regularised incomplete beta function by its continued fraction (Lentz's method; Numerical Recipes, section 6.4).
function incompleteBeta(x, a, b) {
  if (x <= 0) return 0;
  if (x >= 1) return 1;
  const front = Math.exp(logGamma(a + b) - logGamma(a) - logGamma(b) + a * Math.log(x) + b * Math.log1p(-x));
  return x < (a + 1) / (a + b + 2)
    ? (front * betaFraction(x, a, b)) / a
    : 1 - (front * betaFraction(1 - x, b, a)) / b;
}

function betaFraction(x, a, b) {
  const least = 1e-300;
  const away = (value) => (Math.abs(value) < least ? least : value);
  let c = 1;
  let d = 1 / away(1 - ((a + b) * x) / (a + 1));
  let result = d;
  for (let m = 1; m <= 500; m += 1) {
    const even = (m * (b - m) * x) / ((a + 2 * m - 1) * (a + 2 * m));
    d = 1 / away(1 + even * d);
    c = away(1 + even / c);
    result *= d * c;
    const odd = (-(a + m) * (a + b + m) * x) / ((a + 2 * m) * (a + 2 * m + 1));
    d = 1 / away(1 + odd * d);
    c = away(1 + odd / c);
    result *= d * c;
    if (Math.abs(d * c - 1) < 1e-15) break;
  }
  return result;
}

// Lanczos approximation (g = 7, nine terms), about fifteen digits for positive arguments.
function logGamma(x) {
  const terms = [
    0.99999999999980993, 676.5203681218851, -1259.1392167224028, 771.32342877765313, -176.61502916214059,
    12.507343278686905, -0.13857109526572012, 9.9843695780195716e-6, 1.5056327351493116e-7,
  ];
  let sum = terms[0];
  for (let n = 1; n < terms.length; n += 1) sum += terms[n] / (x + n - 1);
  const shifted = x + 6.5;
  return 0.5 * Math.log(2 * Math.PI) + (x - 0.5) * Math.log(shifted) - shifted + Math.log(sum);
}

// Two-sided p-value of Student's t.
function tProbability(value, freedom) {
  return incompleteBeta(freedom / (freedom + value * value), freedom / 2, 0.5);
}

// The value that Student's t exceeds in size with probability alpha; by bisection on its logarithm.
const quantiles = new Map();

function tQuantile(alpha, freedom) {
  const key = `${alpha}/${freedom}`;
  if (quantiles.has(key)) return quantiles.get(key);
  let [low, high] = [-30, 30];
  for (let step = 0; step < 80; step += 1) {
    const middle = (low + high) / 2;
    if (tProbability(Math.exp(middle), freedom) > alpha) low = middle;
    else high = middle;
  }
  quantiles.set(key, Math.exp((low + high) / 2));
  return quantiles.get(key);
}

// Mean and standard error of paired log differences, their median by Hodges and Lehmann, and the p-value.
function pairedDifference(first, second) {
  const logs = first.map((value, n) => Math.log(value) - Math.log(second[n]));
  const count = logs.length;
  const mean = logs.reduce((sum, value) => sum + value, 0) / count;
  const variance = logs.reduce((sum, value) => sum + (value - mean) ** 2, 0) / (count - 1);
  const error = Math.sqrt(variance / count);
  const p = error === 0 ? (mean === 0 ? 1 : 0) : tProbability(Math.abs(mean) / error, count - 1);
  return { mean, error, count, p, median: pseudoMedian(logs) };
}

function pseudoMedian(values) {
  const means = [];
  for (let i = 0; i < values.length; i += 1) {
    for (let j = i; j < values.length; j += 1) means.push((values[i] + values[j]) / 2);
  }
  means.sort((a, b) => a - b);
  const middle = means.length >> 1;
  return means.length % 2 ? means[middle] : (means[middle - 1] + means[middle]) / 2;
}

// Holm's adjusted p-values, and for each member the level whose interval excludes zero exactly when Holm rejects.
function holm(pValues, alpha = 0.05) {
  const order = pValues.map((_, n) => n).sort((a, b) => pValues[a] - pValues[b]);
  const adjusted = [];
  const levels = [];
  let largest = 0;
  let stopped = null;
  order.forEach((index, position) => {
    largest = Math.max(largest, Math.min(1, (order.length - position) * pValues[index]));
    adjusted[index] = largest;
    const level = stopped === null ? alpha / (order.length - position) : stopped;
    levels[index] = level;
    if (stopped === null && pValues[index] >= level) stopped = level;
  });
  return { adjusted, levels };
}

// Verdict and reason by frameworkbench.analysis.comparison.decide; the mean is not below zero.
function decided(difference, level, delta) {
  const half = tQuantile(level, difference.count - 1) * difference.error;
  const [low, high] = [difference.mean - half, difference.mean + half];
  const limit = Math.log1p(delta);
  let verdict = "inconclusive";
  let agrees = true;
  if (low > 0) {
    verdict = difference.mean > limit ? "faster" : "detectable but small";
    agrees = difference.median > 0;
  } else if (-limit <= low && high <= limit) {
    verdict = "practically tied";
    agrees = Math.abs(difference.median) <= limit;
  }
  return agrees ? { low, high, verdict, reason: "" } : { low, high, verdict: "inconclusive", reason: "mean and median disagree" };
}
