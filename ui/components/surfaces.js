// Heat maps of one shape over one plane, read and clicked together. They are painted by surfaces_paint.js.
// A value grid is stored row by row, the row of the lowest y first; its outer points lie on the edges of the map.

// Of a map, in rem: GAP as in the style sheet, CAPTION the words above it and the gap below.
const [GAP, MIN_WIDTH, CAPTION] = [0.75, 11.5, 5.5];
const LEAST_SHARE = 0.14; // Of the window's width, that a map has where there is room for more than two columns.
// Widest and tallest shape of a map, width by height; and the widest where rows of them share one screen.
const [FLAT, TALL, FLATTEST] = [1.4, 0.8, 2];
const PHONE = 600; // px; narrower windows are phones'.
const FRAME_TIME = 150; // ms that a frame stays when they are played.

// Header length, header, colours, values, frames, points: see `pack` in surfaces.py.
function parse(bytes) {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  let at = 4 + view.getUint32(0, true);
  const header = JSON.parse(new TextDecoder().decode(bytes.subarray(4, at)));
  const take = (length) => bytes.slice(at, (at += length)); // A copy, and so aligned.
  const floats = (n) => new Float32Array(take(4 * n).buffer);
  const grid = (n) => Float32Array.from(new Uint16Array(take(2 * n).buffer), (q) => header.low + q * header.step);
  const colors = take(3 * 256);
  const [, height, width] = header.shape;
  const shown = header.panels.map((panel) => ({ ...panel, values: grid(height * width) }));
  // What the threshold cuts: the values, unless the panel brings a grid of its own.
  const panels = shown.map((panel) => ({ ...panel, cut: panel.has_cut ? grid(height * width) : panel.values }));
  const [low, high] = header.value_range;
  const coarse = (n) => Float32Array.from(take(n), (q) => low + (q / 255) * (high - low));
  const frames = header.frames.map((frame) => {
    const [rows, columns] = header.frame_shape;
    const seen = panels.map((panel) => ({ ...panel, values: coarse(rows * columns) }));
    const cut = seen.map((panel) => ({ ...panel, cut: panel.has_cut ? coarse(rows * columns) : panel.values }));
    const said = cut.map((panel, i) => ({ ...panel, subtitles: [frame.subtitles[i]], subtitle_of: [] }));
    return { time: frame.time, width: columns, height: rows, panels: said };
  });
  frames.push({ time: header.time, width, height, panels });
  const groups = header.groups.map((group) => ({ ...group, xy: floats(2 * group.n) }));
  return { ...header, colors, frames, groups };
}

const pageSays = (name) => Number(getComputedStyle(document.documentElement).getPropertyValue(name));
const decimals = ([low, high]) => Math.min(8, Math.max(0, 3 - Math.ceil(Math.log10(high - low || 1))));
const format = (value, range) => value.toFixed(decimals(range)).replace("-", "\u2212");

let revealed = null; // What the page has scrolled to: once, also for whoever comes back to it.

class Surfaces {
  #component;
  #scene;
  #figures = [];
  #cursor = null; // Where the cross-hair is, [x, y] in units of the axes, or null.
  #point = null; // The picked point, likewise.
  #threshold = null;
  #time = Infinity; // The frame that is shown; beyond the last it is the last, however many there are.
  #playing = 0;
  #frame = 0;

  constructor(root, component) {
    this.root = root;
    addWholeScreen(root);
    this.grid = root.querySelector(".grid");
    this.where = root.querySelector(".where");
    this.status = root.querySelector("[role=status]");
    this.time = root.querySelector(".time");
    // Python hears of the threshold when it stops.
    this.range = new ThresholdRange(
      root.querySelector(".cut"),
      (value) => this.#cutAt(value),
      (value) => this.#component.setStateValue("threshold", value),
    );
    this.#listen();
    this.update(component);
    this.resized = () => this.#layOut();
    this.observer = new ResizeObserver(this.resized);
    this.observer.observe(this.grid);
    // What stands above the maps may grow or go: how much room is left below it is asked again.
    const page = this.root.getRootNode().host?.closest("[data-testid=stMainBlockContainer]");
    if (page) this.observer.observe(page);
    addEventListener("resize", this.resized); // Its height alone, too.
  }

  update(component) {
    this.#component = component;
    const isFirst = this.#scene === undefined;
    this.#scene = parse(component.data);
    // Point and threshold in later data are echoes, perhaps older than what the visitor has chosen: they are not read.
    if (isFirst) this.#point = this.#scene.point;
    if (isFirst || this.#scene.thresholds.length === 0) this.#threshold = this.#scene.threshold;
    if (this.#scene.frames.length === 1) this.#stop();
    this.#colorize();
    this.size = ""; // Paint, whatever the size.
    this.captions = new Map();
    this.#build();
    this.#layOut();
    this.#readOut();
    this.#reveal(this.#scene.reveal);
  }

  #reveal(what) {
    if (what && what !== revealed) {
      const { top, height } = this.root.getBoundingClientRect();
      if (innerWidth < PHONE) this.root.scrollIntoView();
      else if (innerHeight - top < height / 2) this.root.scrollIntoView({ block: "nearest" }); // What is above is needed.
    }
    if (what) revealed = what;
  }

  get #now() {
    return this.#scene.frames[Math.min(this.#time, this.#scene.frames.length - 1)];
  }

  #colorize() {
    const { panels, width, height } = this.#now;
    const { colors, value_range } = this.#scene;
    this.images = panels.map((panel) => colorize(panel.values, { width, height, colors, value_range }));
  }

  disconnect() {
    cancelAnimationFrame(this.#frame);
    this.range.disconnect();
    this.#stop();
    this.observer.disconnect();
    removeEventListener("resize", this.resized);
  }

  #build() {
    const { label } = this.#scene;
    const { panels } = this.#now;
    const template = this.root.querySelector("template");
    while (this.#figures.length > panels.length) this.#figures.pop().remove();
    while (this.#figures.length < panels.length) {
      const figure = template.content.firstElementChild.cloneNode(true);
      this.#figures.push(figure);
      this.grid.append(figure);
    }
    panels.forEach(({ title }, i) => (this.#figures[i].querySelector(".title").textContent = title));
    this.grid.setAttribute(
      "aria-label",
      `${label}, ${panels.length} maps. Arrow keys move the cross-hair, with Shift ten steps. ` +
        "Enter picks the point, Escape removes it.",
    );
    this.#buildBar();
    this.#buildLegend();
    this.#buildThreshold();
    this.#buildTime();
  }

  // All that says where the threshold is, but the maps.
  #buildThreshold() {
    const { thresholds, value_range: [low, high] } = this.#scene;
    const { panels } = this.#now;
    this.range.show(thresholds, this.#threshold);
    const { step } = this.range;
    panels.forEach(({ subtitles, subtitle_of }, i) => {
      this.#figures[i].querySelector(".subtitle").textContent = subtitles[subtitle_of[step] ?? 0];
    });
    const mark = this.root.querySelector(".mark");
    const threshold = this.#threshold;
    // Where something else is cut, the threshold has no place among the colours.
    mark.hidden = threshold === null || panels.some((panel) => panel.has_cut) || threshold < low || threshold > high;
    mark.style.setProperty("--threshold", `${(100 * (threshold - low)) / (high - low || 1)}%`);
    const words = this.root.querySelector(".legend .deferred span");
    if (words !== null) words.textContent = `Deferred: above ${format(threshold, [low, high])}`;
  }

  #buildTime() {
    const { frames } = this.#scene;
    this.time.hidden = frames.length === 1;
    const slider = this.time.querySelector("input");
    [slider.max, slider.value] = [frames.length - 1, Math.min(this.#time, frames.length - 1)];
    slider.setAttribute("aria-valuetext", this.#now.time);
    this.time.querySelector("output").textContent = this.#now.time;
    const play = this.time.querySelector("button");
    play.toggleAttribute("data-on", this.#playing !== 0);
    play.setAttribute("aria-label", this.#playing ? "Pause" : "Play");
  }

  #showTime(time) {
    this.#time = time;
    this.#soon(() => {
      this.#colorize();
      this.#buildTime();
      this.#buildThreshold();
      this.#readOut();
    });
  }

  #stop() {
    clearInterval(this.#playing);
    this.#playing = 0;
  }

  #play() {
    const last = this.#scene.frames.length - 1;
    if (this.#playing) {
      this.#stop();
    } else {
      if (this.#time >= last) this.#showTime(0); // Once more, from the start.
      this.#playing = setInterval(() => {
        if (this.#time + 1 >= last) this.#stop();
        this.#showTime(Math.min(this.#time + 1, last));
      }, FRAME_TIME);
    }
    this.#buildTime();
  }

  #buildBar() {
    const { label, colors, value_range: range } = this.#scene;
    const [low, high] = range;
    const image = new ImageData(256, 1);
    for (let i = 0; i < 256; i++) image.data.set([...colors.subarray(3 * i, 3 * i + 3), 255], 4 * i);
    this.root.querySelector(".scale canvas").getContext("2d").putImageData(image, 0, 0);
    this.root.querySelector(".label").textContent = label;
    this.root.querySelectorAll(".ticks span").forEach((tick, i) => {
      tick.textContent = format(low + (i / 2) * (high - low), range);
    });
  }

  #buildLegend() {
    const { groups } = this.#scene;
    const entry = (text, draw) => {
      const canvas = document.createElement("canvas");
      canvas.width = canvas.height = 44;
      canvas.style.width = canvas.style.height = "1.375rem";
      draw(canvas.getContext("2d"));
      const item = document.createElement("li");
      const words = document.createElement("span");
      words.textContent = text;
      item.append(canvas, words);
      return item;
    };
    const entries = groups.map(({ name }, i) => entry(name, (context) => drawMarkers(context, i, 9, [[22, 22]])));
    if (this.#threshold !== null) {
      const deferred = entry("", (context) => {
        context.fillStyle = hatching(context, 2);
        context.fillRect(0, 0, 44, 44);
      });
      deferred.className = "deferred";
      entries.push(deferred);
    }
    this.root.querySelector(".legend").replaceChildren(...entries);
  }

  // The columns and the shape that make the maps as large as one of the heights lets all of them be seen at once, the
  // first that does; where none does, as many columns as fit, two at least, or on one screen, which the tour has and a
  // figure alone, smaller maps. Rows are filled evenly: five maps stand 5, 3 + 2 or 2 + 2 + 1.
  #shape(n, room, heights, share = 1) {
    const rem = 16 * unit();
    const least = share * Math.max(MIN_WIDTH * rem, LEAST_SHARE * innerWidth);
    let [best, fits] = [null, { columns: Math.min(n, 2) }];
    const [height, ...others] = heights;
    for (let columns = 1; columns <= n; columns++) {
      const rows = Math.ceil(n / columns);
      if (columns > Math.ceil(n / rows)) continue;
      const across = (room - (columns - 1) * GAP * rem) / columns;
      const down = height / rows - this.#caption(columns, across);
      const width = Math.min(across, (this.#below > 0 && rows > 1 ? FLATTEST : FLAT) * down);
      if (columns > 2 && across < least) break;
      if (columns >= Math.min(n, 2)) fits = { columns, width: across, aspect: FLAT };
      if (width < Math.min(least, across)) continue;
      const aspect = Math.max(TALL, width / down);
      if (best === null || width ** 2 / aspect > best.width ** 2 / best.aspect) best = { columns, width, aspect };
    }
    if (best !== null) return best;
    if (others.length) return this.#shape(n, room, others, share);
    const smaller = this.#below > 0 ? 0.5 : this.#isAlone ? 0.75 : 1; // Alone, no row of narrow columns.
    return share > smaller ? this.#shape(n, room, heights, smaller) : fits;
  }

  // What the window has for the grid: all below its top, or as much as a visitor scrolls to anyway.
  get #heights() {
    if (this.#isAlone) {
      // It stands in the middle: where the maps begin follows from how large they are, and must not decide it.
      const [{ top: first }, { top, bottom }, { bottom: last }] = [this.root.firstElementChild, this.grid, this.where].map(
        (part) => part.getBoundingClientRect(),
      );
      return [innerHeight - (top - first) - (last - bottom) - 48 * unit()];
    }
    const page = this.root.getRootNode().host?.closest("[data-testid=stMain]");
    const top = this.grid.getBoundingClientRect().top + (page?.scrollTop ?? 0);
    const below = innerHeight - top - 16 * unit() * this.#below;
    const isOneScreen = this.#below > 0 && below > 0.4 * innerHeight; // Not on a phone, where the words stand above.
    return [below, isOneScreen ? below : Math.max(below, 0.6 * innerHeight)];
  }

  // Of the tour's bar, in rem: with it the figure has one screen and no more.
  get #below() {
    return pageSays("--below");
  }

  // On the whole screen.
  get #isAlone() {
    return this.root.matches(":fullscreen");
  }

  #arrange({ columns, width, aspect }) {
    this.grid.style.gridTemplateColumns = `repeat(${columns}, minmax(0, ${width}px))`;
    this.grid.style.setProperty("--aspect", aspect);
  }

  // What a row has beside its maps, in px, with the gap to the next. Where all has to be on one screen it is measured: in
  // narrow columns the words take more lines.
  #caption(columns, width) {
    if (this.#below === 0 && !this.#isAlone) return CAPTION * 16 * unit();
    const of = [columns, width, unit(), this.#figures.length].join();
    if (!this.captions.has(of)) {
      // Else a page that is scrolled down would jump.
      Object.assign(this.grid.style, { minHeight: `${this.grid.offsetHeight}px`, alignContent: "start" });
      this.#arrange({ columns, width, aspect: FLAT });
      const beside = (figure) => figure.offsetHeight - figure.querySelector(".plot").offsetHeight;
      const tallest = Math.max(...this.#figures.map(beside));
      this.captions.set(of, tallest + parseFloat(getComputedStyle(this.grid).rowGap));
      Object.assign(this.grid.style, { minHeight: "", alignContent: "" });
    }
    return this.captions.get(of);
  }

  #layOut() {
    const room = this.grid.clientWidth;
    if (room === 0) return; // In a closed tab or expander.
    this.#arrange(this.#shape(this.#figures.length, room, this.#heights));
    const { clientWidth, clientHeight } = this.#figures[0].querySelector(".plot");
    const sharpness = Math.min(2, devicePixelRatio); // Sharper is not seen, and costs time on a phone.
    const ratio = sharpness * unit(); // Lines and markers grow with the text.
    const size = [clientWidth, clientHeight, ratio].join();
    if (size === this.size) return;
    this.size = size;
    this.canvas = [Math.round(clientWidth * sharpness), Math.round(clientHeight * sharpness), ratio];
    this.markers = this.#paintMarkers(...this.canvas);
    this.#paint();
  }

  #paint() {
    const { panels, width: columns, height: rows } = this.#now;
    const [[width, height, ratio], threshold] = [this.canvas, this.#threshold];
    // From the grid's units to pixels, upside down.
    const toPixels = new DOMMatrix([width / (columns - 1), 0, 0, -height / (rows - 1), 0, height]);
    panels.forEach(({ cut }, i) => {
      const canvas = this.#figures[i].querySelector("canvas");
      [canvas.width, canvas.height] = [width, height];
      const context = canvas.getContext("2d");
      // Half a pixel is left off on each side: the outer grid points lie on the edges.
      context.drawImage(this.images[i], 0.5, 0.5, columns - 1, rows - 1, 0, 0, width, height);
      if (threshold !== null) paintRegions(context, split(cut, columns, rows, threshold), toPixels, ratio);
      context.drawImage(this.markers, 0, 0);
    });
  }

  #paintMarkers(width, height, ratio) {
    const layer = new OffscreenCanvas(width, height);
    const context = layer.getContext("2d");
    const radius = Math.min(4, Math.max(1.75, width / ratio / 110)) * ratio; // In canvas pixels.
    this.#scene.groups.forEach(({ n, xy }, index) => {
      const positions = Array.from({ length: n }, (_, i) => this.#toFraction([xy[2 * i], xy[2 * i + 1]]));
      drawMarkers(context, index, radius, positions.map(([x, y]) => [x * width, y * height]));
    });
    return layer;
  }

  // Fractions of the map from the left and from the top.
  #toFraction([x, y]) {
    const { x_range: [x0, x1], y_range: [y0, y1] } = this.#scene;
    return [(x - x0) / (x1 - x0), (y1 - y) / (y1 - y0)];
  }

  #toPoint(fractions) {
    const { x_range: [x0, x1], y_range: [y0, y1] } = this.#scene;
    const [right, down] = fractions.map((fraction) => Math.min(1, Math.max(0, fraction)));
    return [x0 + right * (x1 - x0), y1 - down * (y1 - y0)];
  }

  #listen() {
    const { grid } = this;
    grid.addEventListener("pointermove", (event) => this.#moveTo(this.#under(event)));
    grid.addEventListener("pointerdown", (event) => this.#moveTo(this.#under(event)));
    grid.addEventListener("pointerleave", () => this.#moveTo(null));
    grid.addEventListener("blur", () => this.#moveTo(null));
    grid.addEventListener("click", (event) => {
      const point = this.#under(event);
      if (point !== null) this.#pick(point);
    });
    grid.addEventListener("keydown", (event) => this.#key(event));
    const time = this.time.querySelector("input");
    time.addEventListener("input", () => {
      this.#stop();
      this.#showTime(Number(time.value));
    });
    this.time.querySelector("button").addEventListener("click", () => this.#play());
  }

  // The maps follow the slider here, once a frame.
  #cutAt(threshold) {
    this.#threshold = threshold;
    this.#soon(() => this.#buildThreshold());
  }

  // ``change`` and then the maps, with the next frame of the screen: of several changes until then the last.
  #soon(change) {
    cancelAnimationFrame(this.#frame);
    this.#frame = requestAnimationFrame(() => {
      change();
      if (this.canvas) this.#paint(); // Not in a closed tab or expander.
    });
  }

  // The point under the pointer, in whichever map it is, or null.
  #under(event) {
    const plot = event.target.closest(".plot");
    if (plot === null) return null;
    const box = plot.getBoundingClientRect();
    return this.#toPoint([(event.clientX - box.left) / box.width, (event.clientY - box.top) / box.height]);
  }

  #key(event) {
    const step = { ArrowLeft: [-1, 0], ArrowRight: [1, 0], ArrowUp: [0, -1], ArrowDown: [0, 1] }[event.key];
    const from = this.#cursor ?? this.#point;
    if (step) {
      const { width, height } = this.#now;
      const [right, down] = from ? this.#toFraction(from) : [0.5, 0.5];
      const steps = event.shiftKey ? 10 : 1;
      this.#moveTo(this.#toPoint([right + (steps * step[0]) / (width - 1), down + (steps * step[1]) / (height - 1)]));
    } else if ((event.key === "Enter" || event.key === " ") && from) {
      this.#pick(from);
    } else if (event.key === "Escape") {
      this.#cursor = null;
      this.#pick(null);
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

  #pick(point) {
    this.#point = point;
    this.#readOut();
    this.#component.setStateValue("point", point);
  }

  // Each panel's title and its value at the grid point nearest to the cross-hair or, without one, to the picked point.
  #readings() {
    const { panels, width, height } = this.#now;
    const { value_range } = this.#scene;
    const at = this.#cursor ?? this.#point;
    if (at === null) return panels.map(({ title }) => [title, ""]);
    // The axes may have changed since the point was picked.
    const [right, down] = this.#toFraction(at).map((fraction) => Math.min(1, Math.max(0, fraction)));
    const index = Math.round((1 - down) * (height - 1)) * width + Math.round(right * (width - 1));
    return panels.map(({ title, values }) => [title, format(values[index], value_range)]);
  }

  #readOut() {
    const { x_range, y_range } = this.#scene;
    this.#place("cursor", this.#cursor, ["--x", "--y"]);
    this.#place("picked", this.#point, ["--pick-x", "--pick-y"]);
    this.#readings().forEach(([, value], i) => {
      this.#figures[i].querySelector(".value").textContent = value;
    });
    const at = this.#cursor ?? this.#point;
    this.where.textContent = at === null
      ? "Point at a map to read all of them there. Click to pick the point."
      : `${this.#cursor ? "At" : "Picked"} x ${format(at[0], x_range)}, y ${format(at[1], y_range)}`;
  }

  // The style is set once, on the grid: every map's lines and marker follow it.
  #place(name, point, [x, y]) {
    this.grid.toggleAttribute(`data-${name}`, point !== null);
    if (point === null) return;
    const [right, down] = this.#toFraction(point);
    this.grid.style.setProperty(x, `${100 * right}%`);
    this.grid.style.setProperty(y, `${100 * down}%`);
  }
}

const shown = new WeakMap();

// Streamlit calls this again, over the same elements, when data or theme change; and what it returned, at the very end.
export default function (component) {
  const root = component.parentElement.querySelector(".surfaces");
  if (shown.has(root)) shown.get(root).update(component);
  else shown.set(root, new Surfaces(root, component));
  return () => shown.get(root).disconnect();
}
