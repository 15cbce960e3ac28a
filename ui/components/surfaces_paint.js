// How a map is painted: colours, the border of the accepted region, hatching, markers. Sizes are in canvas pixels;
// `ratio` is how many of them make a unit (canvas.js). A value grid is stored row by row, the row of the lowest y first.

const HATCH = 9; // Distance of the hatching's lines, in CSS pixels.
const RIM = "#101522";

// One pixel a grid point, turned so that the lowest y is at the bottom.
function colorize(values, { width, height, colors, value_range: [low, high] }) {
  const image = new ImageData(width, height);
  const pixels = new Uint32Array(image.data.buffer);
  const table = new Uint32Array(256);
  for (let i = 0; i < 256; i++) {
    table[i] = (255 << 24) | (colors[3 * i + 2] << 16) | (colors[3 * i + 1] << 8) | colors[3 * i];
  }
  const scale = 255 / (high - low || 1);
  for (let row = 0; row < height; row++) {
    const to = (height - 1 - row) * width;
    for (let column = 0; column < width; column++) {
      const level = Math.round((values[row * width + column] - low) * scale);
      pixels[to + column] = table[Math.min(255, Math.max(0, level))];
    }
  }
  const canvas = new OffscreenCanvas(width, height);
  canvas.getContext("2d").putImageData(image, 0, 0);
  return canvas;
}

// One cell of marching squares, linear on its edges. Walking around it, a corner above the threshold belongs to the
// region `above`, and so does each crossing; a crossing downwards and the next one, upwards, are the ends of a piece of
// the border. A saddle is taken as one region.
function splitCell({ above, border }, values, width, column, row, threshold) {
  const first = row * width + column;
  const corners = [first, first + 1, first + 1 + width, first + width];
  const points = [];
  for (let i = 0; i < 4; i++) {
    const [from, to] = [values[corners[i]], values[corners[(i + 1) % 4]]];
    const [x, y] = [column + (i === 1 || i === 2), row + (i > 1)];
    if (from > threshold) points.push({ x, y });
    if (from > threshold === to > threshold) continue;
    const t = (threshold - from) / (to - from);
    points.push({ x: x + t * [1, 0, -1, 0][i], y: y + t * [0, 1, 0, -1][i], falls: from > threshold });
  }
  points.forEach((point, i) => {
    above[i === 0 ? "moveTo" : "lineTo"](point.x, point.y);
    if (!point.falls) return;
    const next = points[(i + 1) % points.length];
    border.moveTo(point.x, point.y);
    border.lineTo(next.x, next.y);
  });
  above.closePath();
}

// The region above the threshold and the border of what is not above it, as paths in units of the grid.
function split(values, width, height, threshold) {
  const isAbove = (i) => (values[i] > threshold ? 1 : 0);
  const paths = { above: new Path2D(), border: new Path2D() };
  for (let row = 0; row < height - 1; row++) {
    let start = 0; // Whole cells go together: those from here to the present column lie above.
    const flush = (end) => end > start && paths.above.rect(start, row, end - start, 1);
    for (let column = 0; column < width - 1; column++) {
      const i = row * width + column;
      // Without arrays, for speed: there are 10,000 cells a map.
      const n = isAbove(i) + isAbove(i + 1) + isAbove(i + width) + isAbove(i + width + 1);
      if (n === 4) continue;
      flush(column);
      start = column + 1;
      if (n > 0) splitCell(paths, values, width, column, row, threshold);
    }
    flush(width - 1);
  }
  return paths;
}

// Markers differ in shape as well as in colour (Okabe & Ito's), and are bright with a dark rim: seen on every colour.
const MARKERS = [
  { color: "#56B4E9", trace: (path, r) => path.arc(0, 0, r, 0, 2 * Math.PI) },
  {
    color: "#FF8A3D",
    trace(path, r) {
      path.moveTo(0, -1.4 * r);
      path.lineTo(1.3 * r, 0.9 * r);
      path.lineTo(-1.3 * r, 0.9 * r);
      path.closePath();
    },
  },
  {
    color: "#FFFFFF",
    open: true,
    trace(path, r) {
      path.moveTo(-r, -r);
      path.lineTo(r, r);
      path.moveTo(r, -r);
      path.lineTo(-r, r);
    },
  },
  {
    color: "#E58FC4",
    trace(path, r) {
      path.moveTo(0, -1.4 * r);
      path.lineTo(1.4 * r, 0);
      path.lineTo(0, 1.4 * r);
      path.lineTo(-1.4 * r, 0);
      path.closePath();
    },
  },
];

// One after the other from a stamp: each keeps its own rim, so that a crowd does not melt into one blot.
function drawMarkers(context, index, radius, positions) {
  const { color, trace, open } = MARKERS[index % MARKERS.length];
  const half = Math.ceil(2 * radius);
  const stamp = new OffscreenCanvas(2 * half, 2 * half);
  const pen = stamp.getContext("2d");
  pen.translate(half, half);
  pen.beginPath();
  trace(pen, radius);
  pen.lineCap = pen.lineJoin = "round";
  pen.strokeStyle = RIM;
  pen.lineWidth = (open ? 1.3 : 0.7) * radius;
  pen.stroke();
  pen.strokeStyle = pen.fillStyle = color;
  pen.lineWidth = 0.6 * radius;
  if (open) pen.stroke();
  else pen.fill();
  for (const [x, y] of positions) context.drawImage(stamp, x - half, y - half);
}

function hatching(context, ratio) {
  const side = Math.round(HATCH * ratio);
  const tile = new OffscreenCanvas(side, side);
  const pen = tile.getContext("2d");
  for (const [color, shift] of [["#0006", 0], ["#fff4", ratio]]) {
    pen.strokeStyle = color;
    pen.lineWidth = 0.75 * ratio;
    pen.beginPath();
    for (const x of [-side, 0, side]) {
      pen.moveTo(x + shift - 1, side + 1);
      pen.lineTo(x + shift + side + 1, -1);
    }
    pen.stroke();
  }
  return context.createPattern(tile, "repeat");
}

function paintRegions(context, { above, border }, toPixels, ratio) {
  const region = new Path2D();
  region.addPath(above, toPixels);
  context.fillStyle = hatching(context, ratio);
  context.fill(region);
  const line = new Path2D();
  line.addPath(border, toPixels);
  context.lineCap = "round";
  // Black under white: the line is seen on every colour.
  for (const [color, width] of [["#000", 4], ["#fff", 2]]) {
    context.strokeStyle = color;
    context.lineWidth = width * ratio;
    context.stroke(line);
  }
}
