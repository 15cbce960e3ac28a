// The table behind the threshold: each row is a threshold and what it accepts, counted exactly; and its words.

// Header length, header, thresholds (first the given one and the target), counts: see `_pack` in threshold.py.
function parse(bytes) {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  let at = 4 + view.getUint32(0, true);
  const header = JSON.parse(new TextDecoder().decode(bytes.subarray(4, at)));
  const take = (length) => bytes.slice(at, (at += length)).buffer; // A copy, and so aligned.
  const [threshold, target, ...thresholds] = new Float64Array(take(8 * (header.n_rows + 2)));
  const [n_right, n_wrong, n_ood] = [0, 1, 2].map(() => new Uint32Array(take(4 * header.n_rows)));
  const accepted = n_right.map((n, i) => n + n_wrong[i]);
  return { ...header, threshold, target, thresholds, n_right, n_wrong, n_ood, accepted, hasOod: n_ood.at(-1) > 0 };
}

// Four digits, and a power of ten where zeros would be many.
function number(value) {
  const [digits, exponent] = value.toExponential(3).split("e").map(Number);
  if (value === 0 || Math.abs(exponent) <= 3) return String(Number(value.toPrecision(4))).replace("-", "−");
  const power = [...String(exponent)].map((c) => (c === "-" ? "⁻" : "⁰¹²³⁴⁵⁶⁷⁸⁹"[c])).join("");
  return (digits === 1 ? "" : `${digits}·`.replace("-", "−")) + `10${power}`;
}

const count = new Intl.NumberFormat("en");
const of = (part, whole) => `${count.format(part)} of ${count.format(whole)}`;

// As `percent` in uqcore/text.py, with its no-break spaces: never a false 0 % or 100 %. Python rounds 6.25 to the even digit, `toFixed` up.
function percent(part, whole) {
  if (whole === 0) return "–";
  const fraction = part / whole;
  if (fraction > 0 && fraction < 0.001) return "<\u00a00.1\u00a0%";
  if (fraction > 0.999 && fraction < 1) return ">\u00a099.9\u00a0%";
  const value = 100 * fraction;
  return `${(value % 1 === 0.25 ? value - 0.05 : value).toFixed(1).replace(/\.0$/, "")}\u00a0%`;
}

// The last row whose threshold is at most the value: it accepts the same examples.
function rowOf(thresholds, value) {
  let [low, high] = [0, thresholds.length];
  while (high - low > 1) {
    const middle = (low + high) >> 1;
    if (thresholds[middle] <= value) low = middle;
    else high = middle;
  }
  return low;
}

// What a row accepts: name -> [value, detail].
function readingsOf({ thresholds, accepted, n_right, n_wrong, n_ood, measure_label }, row) {
  const [n, wrong, ood] = [accepted[row], n_wrong[row], n_ood[row]];
  const [deferred, deferredRight] = [accepted.at(-1) - n, n_right.at(-1) - n_right[row]];
  const value = thresholds[row];
  return {
    // A row stands just above its value: above a zero by a rounding, which is said to be a zero.
    threshold: [value === -Infinity ? "–" : number(Math.abs(value) < 1e-11 ? 0 : value), measure_label],
    coverage: [percent(n, accepted.at(-1)), `${of(n, accepted.at(-1))} accepted`],
    accepted: [percent(n_right[row], n), `${of(wrong, n)} wrong`],
    deferred: [percent(deferredRight, deferred), `${of(deferred - deferredRight, deferred)} wrong`],
    ood: [percent(ood, n_ood.at(-1)), of(ood, n_ood.at(-1))],
  };
}
