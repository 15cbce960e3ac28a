// Functions of one input: a mean, a band and some functions a method, over the data; read and clicked together.
// canvas.js prepares the canvas.

const GAP = 20; // Units: 1.25 rem in the style sheet.
const MIN_WIDTH = 190; // Units, of a plot where there is room for more than one column.
const [LEFT, BELOW] = [40, 24]; // Units of room for the axes: 2.5 and 1.5 rem in the style sheet.
const MINUS = "\u2212";

// Header length, header, then float32: see `pack` in functions.py.
function parse(bytes) {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  let at = 4 + view.getUint32(0, true);
  const header = JSON.parse(new TextDecoder().decode(bytes.subarray(4, at)));
  const floats = (n) => new Float32Array(bytes.slice(at, (at += 4 * n)).buffer); // A copy, and so aligned.
  const curves = header.curves.map((curve) => ({
    ...curve,
    mean: floats(header.n),
    std: floats(header.n),
    lines: Array.from({ length: curve.n_lines }, () => floats(header.n)),
  }));
  return { ...header, curves, data: floats(2 * header.n_points) };
}

const format = (value) => value.toFixed(2).replace("-", MINUS);

class Functions {
  #component;
  #scene;
  #figures = [];
  #cursor = null; // Where the cross-hair is, [x, y] in units of the axes, or null.

  constructor(root, component) {
    this.root = root;
    addWholeScreen(root);
    this.grid = root.querySelector(".grid");
    this.where = root.querySelector(".where");
    this.status = root.querySelector("[role=status]");
    this.#listen();
    this.update(component);
    this.observer = new ResizeObserver(() => this.#layOut());
    this.observer.observe(this.grid);
  }

  update(component) {
    this.#component = component;
    this.#scene = parse(component.data);
    this.size = ""; // Paint, whatever the size.
    this.#build();
    this.#layOut();
    this.#readOut();
  }

  disconnect() {
    this.observer.disconnect();
  }

  // The curves of each plot: all of them in one, or one in each.
  get #groups() {
    const { curves, overlaid } = this.#scene;
    return overlaid ? [curves] : curves.map((curve) => [curve]);
  }

  #build() {
    const template = this.root.querySelector("template");
    const groups = this.#groups;
    while (this.#figures.length > groups.length) this.#figures.pop().remove();
    while (this.#figures.length < groups.length) {
      const figure = template.content.firstElementChild.cloneNode(true);
      this.#figures.push(figure);
      this.grid.append(figure);
    }
    groups.forEach((group, i) => {
      const names = group.map(({ label, color, dash }) => {
        const name = document.createElement("span");
        name.className = "name";
        if (group.length > 1) name.append(swatch(color, dash));
        const value = document.createElement("output");
        value.className = "value";
        name.append(label, value);
        return name;
      });
      this.#figures[i].querySelector("figcaption").replaceChildren(...names);
    });
    this.grid.style.setProperty("--height", `${this.#scene.height / 16}rem`);
    this.grid.setAttribute(
      "aria-label",
      `${groups.length} plots of y along x. Arrow keys move the cross-hair, with Shift ten steps. Enter adds a point.`,
    );
  }

  #layOut() {
    const room = this.grid.clientWidth;
    if (room === 0) return; // In a closed tab or expander.
    const n = this.#figures.length;
    const fits = Math.max(1, Math.floor((room / unit() + GAP) / (MIN_WIDTH + GAP)));
    const rows = Math.ceil(n / fits);
    const columns = Math.ceil(n / rows);
    this.grid.style.setProperty("--rows", rows);
    this.grid.style.gridTemplateColumns = `repeat(${columns}, minmax(0, 1fr))`;
    const { clientWidth, clientHeight } = this.#figures[0].querySelector(".plot");
    const { color, fontFamily } = getComputedStyle(this.root);
    const size = [clientWidth, clientHeight, devicePixelRatio, unit(), color].join();
    if (size === this.size) return;
    this.size = size;
    this.#groups.forEach((group, i) => {
      paint(prepare(this.#figures[i].querySelector(".plot canvas"), fontFamily), clientWidth / unit(), clientHeight / unit(), {
        ...this.#scene, curves: group, text: color,
      });
    });
  }

  #listen() {
    const { grid } = this;
    grid.addEventListener("pointermove", (event) => this.#moveTo(this.#under(event)));
    grid.addEventListener("pointerdown", (event) => this.#moveTo(this.#under(event)));
    grid.addEventListener("pointerleave", () => this.#moveTo(null));
    grid.addEventListener("blur", () => this.#moveTo(null));
    grid.addEventListener("click", (event) => this.#add(this.#under(event)));
    grid.addEventListener("keydown", (event) => this.#key(event));
  }

  // The point under the pointer, in whichever plot it is, or null.
  #under(event) {
    const plot = event.target.closest(".plot");
    if (plot === null) return null;
    const box = plot.getBoundingClientRect();
    const [left, below] = [LEFT * unit(), BELOW * unit()];
    const right = (event.clientX - box.left - left) / (box.width - left);
    const down = (event.clientY - box.top) / (box.height - below);
    return right < 0 || down > 1 ? null : this.#toPoint([right, down]);
  }

  #toPoint(fractions) {
    const { x_range: [x0, x1], y_range: [y0, y1] } = this.#scene;
    const [right, down] = fractions.map((fraction) => Math.min(1, Math.max(0, fraction)));
    return [x0 + right * (x1 - x0), y1 - down * (y1 - y0)];
  }

  #toFraction([x, y]) {
    const { x_range: [x0, x1], y_range: [y0, y1] } = this.#scene;
    return [(x - x0) / (x1 - x0), (y1 - y) / (y1 - y0)];
  }

  #key(event) {
    const step = { ArrowLeft: [-1, 0], ArrowRight: [1, 0], ArrowUp: [0, -1], ArrowDown: [0, 1] }[event.key];
    if (step) {
      const [right, down] = this.#cursor ? this.#toFraction(this.#cursor) : [0.5, 0.5];
      const size = (event.shiftKey ? 10 : 1) / 100;
      this.#moveTo(this.#toPoint([right + size * step[0], down + size * step[1]]));
    } else if ((event.key === "Enter" || event.key === " ") && this.#cursor) {
      this.#add(this.#cursor);
    } else if (event.key === "Escape") {
      this.#moveTo(null);
    } else {
      return;
    }
    event.preventDefault(); // The arrow keys must not scroll the page.
    this.status.textContent = [this.where.textContent, ...this.#readings().map((r) => r.join(" "))].join(", ");
  }

  #moveTo(point) {
    this.#cursor = point;
    this.#readOut();
  }

  #add(point) {
    if (point !== null && this.#scene.room) this.#component.setTriggerValue("added", point);
  }

  // Each method's name and what it says at the x of the cross-hair.
  #readings() {
    const { curves, n } = this.#scene;
    if (this.#cursor === null) return curves.map(({ label }) => [label, ""]);
    const i = Math.round(this.#toFraction(this.#cursor)[0] * (n - 1));
    return curves.map(({ label, mean, std }) => [label, `${format(mean[i])} ± ${format(std[i])}`]);
  }

  #readOut() {
    const outputs = this.grid.querySelectorAll(".value");
    this.#readings().forEach(([, value], i) => {
      outputs[i].textContent = value;
    });
    this.grid.toggleAttribute("data-cursor", this.#cursor !== null);
    if (this.#cursor === null) {
      this.where.textContent = "Point at a plot to read all of them there: mean ± one standard deviation.";
      return;
    }
    const [right, down] = this.#toFraction(this.#cursor);
    const [x, y] = this.#cursor;
    this.grid.style.setProperty("--x", `calc(${LEFT / 16}rem + ${right} * (100% - ${LEFT / 16}rem))`);
    this.grid.style.setProperty("--y", `calc(${down} * (100% - ${BELOW / 16}rem))`);
    this.where.textContent = `At x ${format(x)}, y ${format(y)}`;
  }
}

function swatch(color, dash) {
  const canvas = document.createElement("canvas");
  [canvas.width, canvas.height] = [84, 12];
  canvas.style.cssText = "width:42px;height:6px";
  const context = canvas.getContext("2d");
  Object.assign(context, { strokeStyle: color, lineWidth: 6 });
  context.setLineDash(dash.map((length) => 2 * length));
  context.beginPath();
  context.moveTo(0, 6);
  context.lineTo(84, 6);
  context.stroke();
  return canvas;
}

function paint(context, width, height, scene) {
  const { x_range: [x0, x1], y_range: [y0, y1], n, n_stds, gap, curves, data, n_added, text } = scene;
  const toX = (x) => LEFT + ((x - x0) / (x1 - x0)) * (width - LEFT);
  const toY = (y) => ((y1 - y) / (y1 - y0)) * (height - BELOW);
  const along = Array.from({ length: n }, (_, i) => toX(x0 + (i / (n - 1)) * (x1 - x0)));
  const line = (values) => {
    context.beginPath();
    along.forEach((x, i) => context.lineTo(x, toY(values[i])));
    context.stroke();
  };
  context.clearRect(0, 0, width, height);
  paintAxes(context, width, height, { toX, toY, text, x_range: [x0, x1], y_range: [y0, y1] });
  context.save();
  context.beginPath();
  context.rect(LEFT, 0, width - LEFT, height - BELOW);
  context.clip();
  context.fillStyle = "#88888820";
  context.fillRect(toX(gap[0]), 0, toX(gap[1]) - toX(gap[0]), height);
  context.lineJoin = "round";
  for (const { color, mean, std, lines } of curves) {
    context.fillStyle = `${color}40`;
    context.beginPath();
    along.forEach((x, i) => context.lineTo(x, toY(mean[i] + n_stds * std[i])));
    for (let i = n - 1; i >= 0; i--) context.lineTo(along[i], toY(mean[i] - n_stds * std[i]));
    context.fill();
    Object.assign(context, { strokeStyle: color, lineWidth: 1, globalAlpha: 0.45 });
    for (const values of lines) line(values);
    context.globalAlpha = 1;
  }
  for (let i = 0; i < data.length / 2; i++) {
    const isAdded = i >= data.length / 2 - n_added;
    (isAdded ? star : dot)(context, toX(data[2 * i]), toY(data[2 * i + 1]));
  }
  for (const { color, dash, mean } of curves) {
    Object.assign(context, { strokeStyle: color, lineWidth: 3 });
    context.setLineDash(curves.length > 1 ? dash : []);
    line(mean);
  }
  context.setLineDash([]);
  context.restore();
}

function paintAxes(context, width, height, { toX, toY, text, x_range, y_range }) {
  const ticks = ([low, high], step) => {
    const found = [];
    for (let i = Math.ceil(low / step); i * step <= high; i++) found.push(i * step);
    return found;
  };
  Object.assign(context, { strokeStyle: "#8888884d", lineWidth: 1, fillStyle: text });
  const words = (value) => String(value).replace("-", MINUS);
  Object.assign(context, { textAlign: "center", textBaseline: "bottom" });
  for (const x of ticks(x_range, 2)) {
    // The outermost would stand half outside.
    if (x > x_range[0] && x < x_range[1]) context.fillText(words(x), toX(x), height);
  }
  Object.assign(context, { textAlign: "right", textBaseline: "middle" });
  for (const y of ticks(y_range, 1)) {
    context.fillText(words(y), LEFT - 8, toY(y));
    context.beginPath();
    context.moveTo(LEFT, toY(y));
    context.lineTo(width, toY(y));
    context.stroke();
  }
}

function dot(context, x, y) {
  context.fillStyle = "#888888b0";
  context.beginPath();
  context.arc(x, y, 2.5, 0, 2 * Math.PI);
  context.fill();
}

function star(context, x, y) {
  context.beginPath();
  for (let i = 0; i < 10; i++) {
    const [radius, angle] = [i % 2 ? 3.5 : 8, (i * Math.PI) / 5];
    context.lineTo(x + radius * Math.sin(angle), y - radius * Math.cos(angle));
  }
  context.closePath();
  Object.assign(context, { fillStyle: "#888888", strokeStyle: "#ffffff", lineWidth: 1.5 });
  context.fill();
  context.stroke();
}

const shown = new WeakMap();

// Streamlit calls this again, over the same elements, when data or theme change; and what it returned, at the very end.
export default function (component) {
  const root = component.parentElement.querySelector(".functions");
  if (shown.has(root)) shown.get(root).update(component);
  else shown.set(root, new Functions(root, component));
  return () => shown.get(root).disconnect();
}
