// How the threshold's three plots are painted: scales, axes, patterns, bars and curves. All sizes are in units (canvas.js).
// A scale is {to, ticks}: from a value to its fraction of the axis, and pairs of a fraction and its label.

const LANE_GAP = 10; // Between the bars of right, wrong and OOD examples.
const HALF_DECADE = 0.5; // The height of a single example on a logarithmic axis of counts.
const GROUPS = ["right", "wrong", "ood"];

const compact = new Intl.NumberFormat("en", { notation: "compact", maximumSignificantDigits: 3 });
const share = (value) => `${number(100 * value)} %`;

function linearScale([low, high], n, label) {
  const raw = (high - low) / n;
  const power = 10 ** Math.floor(Math.log10(raw));
  const step = power * [1, 2, 2.5, 5, 10].find((factor) => factor * power >= 0.999 * raw);
  const to = (value) => (value - low) / (high - low);
  const ticks = [];
  for (let i = Math.ceil(low / step - 1e-6); i * step <= high + 1e-6 * step; i++) {
    ticks.push([to(i * step), label(i * step)]);
  }
  return { to, ticks };
}

// What is at or below `low` stands at the axis' end, which `floor` labels if something does.
function logScale([low, high], n, label, floor = null) {
  const to = (value) => (value > low ? Math.log(value / low) / Math.log(high / low) : 0);
  const [first, last] = [Math.ceil(Math.log10(low) - 1e-6), Math.floor(Math.log10(high) + 1e-6)];
  const every = Math.max(1, Math.ceil((last - first + 1) / n));
  const factors = last > first ? [1] : [1, 2, 5];
  const values = [];
  for (let power = last; power >= first - 1; power -= every) values.push(...factors.map((f) => f * 10 ** power));
  const inside = values.filter((value) => value >= low * 0.999 && value <= high * 1.001);
  const ticks = inside.map((value) => [to(value), label(value)]);
  return { to, ticks: floor === null ? ticks : [...ticks.filter(([at]) => at > 0.75 / n), [0, floor]] };
}

// Right is filled, wrong is hatched, OOD is dotted: told apart without colour. The tile is in canvas pixels.
function fillOf(context, group, color) {
  const ratio = context.getTransform().a;
  const tile = new OffscreenCanvas(Math.round(6 * ratio), Math.round(6 * ratio));
  const pen = tile.getContext("2d");
  pen.scale(tile.width / 6, tile.height / 6);
  pen.fillStyle = pen.strokeStyle = color;
  pen.globalAlpha = group === "right" ? 0.75 : 0.18;
  pen.fillRect(0, 0, 6, 6);
  pen.globalAlpha = 1;
  pen.beginPath();
  if (group === "wrong") {
    for (const x of [-6, 0, 6]) {
      pen.moveTo(x - 1, 7);
      pen.lineTo(x + 7, -1);
    }
    pen.lineWidth = 1.75;
    pen.stroke();
  } else if (group === "ood") {
    pen.arc(3, 3, 1.4, 0, 2 * Math.PI);
    pen.fill();
  }
  const pattern = context.createPattern(tile, "repeat");
  pattern.setTransform(new DOMMatrix().scale(6 / tile.width, 6 / tile.height));
  return pattern;
}

// Ticks and what they measure. The box is the plot's area, from the canvas' top left corner.
function paintAxis(context, { left, top, right, bottom }, side, { ticks }, label, color) {
  context.fillStyle = context.strokeStyle = color;
  context.lineWidth = 1;
  for (const [at, text] of ticks) {
    const [x, y] = [left + at * (right - left), bottom - at * (bottom - top)];
    context.globalAlpha = 0.16;
    context.beginPath();
    context.moveTo(side === "x" ? x : left, side === "x" ? bottom : y);
    context.lineTo(side === "x" ? x : right, side === "x" ? top : y);
    context.stroke();
    context.globalAlpha = 0.8;
    context.textBaseline = side === "x" ? "top" : "middle";
    context.textAlign = side === "x" ? "center" : "right";
    // The outer labels stay on the canvas.
    const half = context.measureText(text).width / 2;
    const edge = context.canvas.width / context.getTransform().a;
    context.fillText(text, side === "x" ? Math.min(edge - half, Math.max(half, x)) : left - 6, side === "x" ? bottom + 6 : y);
  }
  context.globalAlpha = 1;
  context.textBaseline = side === "x" ? "bottom" : "top";
  context.textAlign = side === "x" ? "center" : "left";
  if (side === "x") context.fillText(label, (left + right) / 2, bottom + 44);
  else context.fillText(label, 0, 2);
}

function widest(context, ticks) {
  return Math.max(...ticks.map(([, text]) => context.measureText(text).width));
}

function boxOf(context, top, ticks) {
  const { a, d } = context.getTransform();
  const [width, height] = [context.canvas.width / a, context.canvas.height / d];
  return { left: Math.ceil(widest(context, ticks)) + 8, top, right: width - 14, bottom: height - 46, width, height };
}

// Heights of counts: each group by itself, or all by one logarithm, on which a single example is still seen.
function countScale(counts, most, log) {
  const highest = Math.max(...counts, 1);
  if (!log) {
    const unit = 10 ** Math.floor(Math.log10(highest));
    const tick = unit * [5, 2, 1].find((factor) => factor * unit <= highest);
    return { to: (n) => n / highest, ticks: [[tick / highest, compact.format(tick)]] };
  }
  const top = Math.log10(most) + HALF_DECADE;
  const to = (n) => (n > 0 ? (Math.log10(n) + HALF_DECADE) / top : 0);
  const tick = 10 ** Math.floor(Math.log10(most));
  return { to, ticks: [...new Set([1, tick])].map((n) => [to(n), compact.format(n)]) };
}

function paintBars(context, box, counts, scale, places, fill, color) {
  const height = box.bottom - box.top;
  context.beginPath();
  context.moveTo(places[0], box.bottom);
  counts.forEach((n, i) => {
    const y = box.bottom - (n > 0 ? Math.max(2, scale.to(n) * height) : 0);
    context.lineTo(places[i], y);
    context.lineTo(places[i + 1], y);
  });
  context.lineTo(places.at(-1), box.bottom);
  context.fillStyle = fill;
  context.fill();
  context.strokeStyle = color;
  context.lineWidth = 1.25;
  context.stroke();
}

// Returns the box and where each row's threshold stands.
function paintHistogram(context, scene, groups, logs, colors) {
  const { edges, counts, n_below: below } = scene.bins[logs.measure ? "log" : "linear"];
  const most = Math.max(...groups.flatMap((group) => counts[GROUPS.indexOf(group)]), 1);
  const lanes = groups.map((group) => {
    const own = counts[GROUPS.indexOf(group)];
    return { group, own, scale: countScale(own, most, logs.counts) };
  });
  const box = boxOf(context, 36, lanes.flatMap(({ scale }) => scale.ticks));
  const ends = [edges[0], edges.at(-1)];
  const n = (box.right - box.left) / 70;
  const x = logs.measure
    ? logScale(ends, n, number, below > 0 ? `≤ ${number(Number(ends[0].toPrecision(1)))}` : null)
    : linearScale(ends, n, number);
  const toPixel = (value) => box.left + Math.min(1, Math.max(0, x.to(value))) * (box.right - box.left);
  paintAxis(context, box, "x", x, scene.measure_label, colors.text);
  const height = (box.bottom - box.top - LANE_GAP * (lanes.length - 1)) / lanes.length;
  lanes.forEach(({ group, own, scale }, i) => {
    const top = box.top + i * (height + LANE_GAP);
    const lane = { ...box, top, bottom: top + height };
    paintAxis(context, lane, "y", scale, "", colors.text);
    const places = edges.map(toPixel);
    paintBars(context, lane, own, scale, places, fillOf(context, group, colors[group]), colors[group]);
  });
  // Nothing is accepted to the left of all bars. The first bar may hold zeros: whoever accepts them stands behind it.
  const first = below > 0 ? toPixel(edges[1]) : box.left;
  const xs = Array.from(scene.thresholds, (value) =>
    value === -Infinity ? box.left - 4 : Math.max(first, toPixel(value)),
  );
  return { box, xs, ys: xs.map(() => 0) };
}

// A curve through the points of all rows; what lies outside an axis is drawn at its end.
function paintCurve(context, { x, y, xLabel, yLabel, color, diagonal }, xValues, yValues, colors) {
  const box = boxOf(context, 28, y.ticks);
  paintAxis(context, box, "x", x, xLabel, colors.text);
  paintAxis(context, box, "y", y, yLabel, colors.text);
  const clamp = (fraction) => Math.min(1, Math.max(0, fraction));
  const toX = (value) => box.left + clamp(x.to(value)) * (box.right - box.left);
  const toY = (value) => box.bottom - clamp(y.to(value)) * (box.bottom - box.top);
  const [xs, ys] = [xValues.map(toX), yValues.map(toY)];
  context.lineJoin = "round";
  if (diagonal) {
    context.strokeStyle = colors.text;
    context.globalAlpha = 0.5;
    context.lineWidth = 1.5;
    context.setLineDash([5, 5]);
    context.beginPath();
    for (let at = 0; at <= 100; at++) context.lineTo(toX((at / 100) ** 3), toY((at / 100) ** 3));
    context.stroke();
    context.setLineDash([]);
    context.globalAlpha = 1;
  }
  context.strokeStyle = color;
  context.lineWidth = 3;
  context.beginPath();
  xs.forEach((px, i) => context.lineTo(px, ys[i]));
  context.stroke();
  return { box, xs, ys };
}

function paintRisk(context, { accepted, n_wrong: wrong }, logs, colors) {
  const { clientWidth } = context.canvas;
  const total = accepted.at(-1);
  const first = accepted.findIndex((n) => n > 0);
  const risks = Array.from(accepted, (n, i) => (n > 0 ? wrong[i] / n : wrong[first] / accepted[first]));
  // The first few examples' risk jumps from 0 to 1 and would flatten all the rest.
  const high = Math.max(...risks.filter((_, i) => accepted[i] >= 0.05 * total)) * 1.05 || 0.01;
  const low = Math.min(...risks.filter((risk) => risk > 0), high / 20) / 2;
  const curve = {
    x: linearScale([0, 1], clientWidth / 75, share),
    y: logs.risk ? logScale([low, high], 5, share, "0 %") : linearScale([0, high], 5, share),
    xLabel: "coverage",
    yLabel: "wrong among accepted",
    color: colors.wrong,
  };
  return paintCurve(context, curve, Array.from(accepted, (n) => n / total), risks, colors);
}

// OOD is the positive class or, where there is none, an error.
function paintRoc(context, scene, logs, colors) {
  const [negatives, positives] = scene.hasOod ? [scene.accepted, scene.n_ood] : [scene.n_right, scene.n_wrong];
  const deferred = (counts) => Array.from(counts, (n) => 1 - n / counts.at(-1));
  const n = context.canvas.clientWidth / 75;
  const curve = {
    x: logs.roc ? logScale([0.5 / negatives.at(-1), 1], n, share, "0 %") : linearScale([0, 1], n, share),
    y: linearScale([0, 1], 5, share),
    xLabel: scene.hasOod ? "known deferred" : "right deferred",
    yLabel: scene.hasOod ? "unseen deferred" : "wrong deferred",
    color: scene.hasOod ? colors.ood : colors.wrong,
    diagonal: true,
  };
  return paintCurve(context, curve, deferred(negatives), deferred(positives), colors);
}
