// One threshold on three linked plots. Every row of the table is a threshold and what it accepts, counted exactly: the
// plots and the read-outs follow the pointer from row to row here; Python hears of the row that the visitor stops at.
// threshold_table.js holds the table and its words; threshold_paint.js paints, and only when data, size, theme or an axis
// change.

const KEY_PAUSE = 250; // ms without a key press after which Python hears.
const SIDE = 100; // Units that the words beside the handle, and half of it, take.
const PAGE = 0.05; // Of coverage, for the larger steps of the keyboard.

// Assistive technology reads no exponents.
const decimal = (value) => (String(value).includes("e-") ? value.toFixed(60) : String(value));

class ThresholdView {
  #component;
  #scene;
  #revision; // Of Python's threshold that was taken over last.
  #value; // The threshold, as given or as chosen; it outlives a table in which it has no row.
  #sent; // The threshold that Python has.
  #drag = null; // {id: pointer id, plot, grip: from the pointer to the handle, from: threshold, held, moved}
  #timer = 0;
  #painted = {}; // Plot -> {box, xs, ys}: its area, and where each row is.

  constructor(root, component) {
    this.root = root;
    addWholeScreen(root);
    this.slider = root.querySelector("[role=slider]");
    this.sides = [...root.querySelectorAll(".side")];
    this.plots = [...root.querySelectorAll(".plot")];
    this.#listen();
    this.logs = { measure: parse(component.data).scale === "log" };
    this.update(component);
    this.observer = new ResizeObserver(() => this.#paint());
    for (const plot of this.plots) this.observer.observe(plot);
  }

  update(component) {
    this.#component = component;
    this.#scene = parse(component.data);
    // A threshold of the same revision is an echo, and perhaps older than what the visitor has chosen: it is not read.
    if (this.#scene.revision !== this.#revision) {
      clearTimeout(this.#timer);
      this.#revision = this.#scene.revision;
      this.#value = this.#sent = this.#scene.threshold;
    }
    this.#build();
    this.#paint();
  }

  disconnect() {
    clearTimeout(this.#timer);
    this.observer.disconnect();
  }

  get #row() {
    return rowOf(this.#scene.thresholds, this.#value);
  }

  // The row of what Python asked for; without such a wish, wherever the threshold is.
  get #goal() {
    const { target, thresholds } = this.#scene;
    return Number.isNaN(target) ? this.#row : rowOf(thresholds, target);
  }

  #build() {
    const { root } = this;
    const { has_labels: labels, hasOod, n_wrong, n_right, n_ood, bins, measure_label } = this.#scene;
    this.groups = GROUPS.filter((group) => group === "right" || (group === "wrong" ? labels : hasOod));
    const hasRoc = hasOod || (labels && n_wrong.at(-1) > 0 && n_right.at(-1) > 0);
    root.querySelector(".risk").hidden = !labels;
    root.querySelector(".roc").hidden = !hasRoc;
    root.querySelector(".histogram .title").textContent = this.#scene.title;
    root.querySelector(".roc .title").textContent = hasOod ? "ROC: unseen detected" : "ROC: errors detected";
    const part = root.querySelector(".part");
    const [head, ...rest] = this.#scene.part.split(": ");
    const strong = document.createElement("strong");
    strong.textContent = `${head}:`;
    part.replaceChildren(strong, ` ${rest.join(": ")}`);
    part.hidden = !this.#scene.part;
    const hasLog = bins.log.edges.length > 0;
    this.logs.measure &&= hasLog;
    root.querySelector("[data-log=measure]").disabled = !hasLog;
    for (const button of root.querySelectorAll("[data-log]")) {
      button.setAttribute("aria-pressed", Boolean(this.logs[button.dataset.log]));
    }
    for (const [name, shown] of [["accepted", labels], ["deferred", labels], ["ood", hasOod]]) {
      root.querySelector(`[data-reading=${name}]`).hidden = !shown;
    }
    this.slider.setAttribute(
      "aria-label",
      `Threshold of ${measure_label}. Arrow keys move it by one step, Page Up and Page Down by 5 % of coverage.`,
    );
  }

  #buildLegend(colors) {
    const { has_labels, n_right, n_wrong, n_ood } = this.#scene;
    const names = { right: has_labels ? "right" : "examples", wrong: "wrong", ood: "unseen" };
    const totals = { right: n_right.at(-1), wrong: n_wrong.at(-1), ood: n_ood.at(-1) };
    for (const group of GROUPS) {
      const item = this.root.querySelector(`.legend .${group}`);
      item.hidden = !this.groups.includes(group);
      const [swatch, text] = [document.createElement("canvas"), document.createElement("span")];
      text.textContent = `${names[group]} ${count.format(totals[group])}`;
      item.replaceChildren(swatch, text);
      if (item.hidden) continue;
      const context = prepare(swatch, "");
      context.fillStyle = fillOf(context, group, colors[group]);
      context.fillRect(0, 0, 24, 16);
      context.strokeStyle = colors[group];
      context.lineWidth = 3;
      context.strokeRect(0, 0, 24, 16);
    }
  }

  #paint() {
    if (this.root.clientWidth === 0) return; // In a closed tab or expander.
    const colorOf = (element) => getComputedStyle(element).color;
    const colors = { text: colorOf(this.root) };
    for (const group of GROUPS) colors[group] = colorOf(this.root.querySelector(`.legend .${group}`));
    this.#buildLegend(colors);
    const { fontFamily } = getComputedStyle(this.root);
    for (const plot of this.plots) {
      if (plot.clientWidth === 0) continue; // Has no place in this scene.
      const context = prepare(plot.querySelector("canvas"), fontFamily);
      this.#painted[plot.dataset.plot] = {
        histogram: () => paintHistogram(context, this.#scene, this.groups, this.logs, colors),
        risk: () => paintRisk(context, this.#scene, this.logs, colors),
        roc: () => paintRoc(context, this.#scene, this.logs, colors),
      }[plot.dataset.plot]();
    }
    this.#show();
  }

  // Each frame of a drag comes here: three places and a few words change, nothing is painted.
  #show() {
    const row = this.#row;
    for (const plot of this.plots) {
      if (!(plot.dataset.plot in this.#painted)) continue;
      const { box, xs, ys } = this.#painted[plot.dataset.plot];
      const { left, top, right, bottom, width, height } = box;
      const places = { x: xs[row], y: ys[row], left, top, right: width - right, bottom: height - bottom };
      for (const [name, value] of Object.entries(places)) {
        plot.style.setProperty(`--${name}`, `${value * unit()}px`);
      }
    }
    const { box: { left, right }, xs } = this.#painted.histogram;
    [xs[row] - left, right - xs[row]].forEach((room, i) => this.sides[i].toggleAttribute("data-covered", room < SIDE));
    const readings = readingsOf(this.#scene, row);
    for (const [name, [value, detail]] of Object.entries(readings)) {
      const place = this.root.querySelector(`[data-reading=${name}]`);
      place.querySelector("b").textContent = value;
      place.querySelector("span").textContent = detail;
    }
    this.root.querySelector(".back").toggleAttribute("data-off", row === this.#goal);
    this.#describe(row, readings);
  }

  #describe(row, { threshold, coverage, accepted, ood }) {
    const { thresholds, has_labels, hasOod } = this.#scene;
    const words = [`${threshold[0]}: coverage ${coverage[0]}`];
    if (has_labels) words.push(`${accepted[1]} among the accepted`);
    if (hasOod) words.push(`${ood[0]} of the unseen let through`);
    const numbers = { min: thresholds[1], max: thresholds.at(-1), now: Math.max(thresholds[1], thresholds[row]) };
    for (const [name, value] of Object.entries(numbers)) this.slider.setAttribute(`aria-value${name}`, decimal(value));
    this.slider.setAttribute("aria-valuetext", words.join(", "));
    this.plots[1].setAttribute("aria-label", `Risk–coverage curve, at ${words.join(", ")}`);
    this.plots[2].setAttribute("aria-label", `ROC curve, at ${words.join(", ")}`);
  }

  #moveTo(row) {
    this.#value = this.#scene.thresholds[Math.min(this.#scene.thresholds.length - 1, Math.max(0, row))];
    this.#show();
  }

  #send() {
    clearTimeout(this.#timer);
    if (this.#value === this.#sent) return;
    this.#sent = this.#value;
    // JSON knows no infinity: null accepts nothing.
    const threshold = this.#value === -Infinity ? null : this.#value;
    this.#component.setStateValue("choice", { threshold, revision: this.#revision });
  }

  #listen() {
    for (const plot of this.plots) {
      plot.addEventListener("pointerdown", (event) => this.#pointerDown(plot, event));
      plot.addEventListener("pointermove", (event) => this.#pointerMove(event));
      plot.addEventListener("pointerup", (event) => this.#pointerUp(event));
      plot.addEventListener("pointercancel", (event) => this.#pointerCancel(event));
      // Focus stays on the slider, wherever the threshold is dragged.
      plot.addEventListener("mousedown", (event) => event.preventDefault());
    }
    this.slider.addEventListener("keydown", (event) => this.#key(event));
    this.slider.addEventListener("blur", () => this.#send());
    this.root.querySelector(".back").addEventListener("click", () => {
      this.#moveTo(this.#goal);
      this.#send();
    });
    for (const button of this.root.querySelectorAll("[data-log]")) {
      button.addEventListener("click", () => {
        this.logs[button.dataset.log] = !this.logs[button.dataset.log];
        this.#build();
        this.#paint();
      });
    }
  }

  #pointerDown(plot, event) {
    if (this.#drag !== null || event.button !== 0) return;
    plot.setPointerCapture(event.pointerId);
    this.slider.focus({ preventScroll: true });
    this.root.setAttribute("data-dragging", "");
    this.#drag = { id: event.pointerId, plot, grip: [0, 0], from: this.#value, held: false, moved: false };
    const { xs, ys } = this.#painted[plot.dataset.plot];
    const [x, y] = this.#under(event);
    // Whoever takes the handle beside its middle must not see it jump; a finger on the plot may be about to scroll.
    this.#drag.held = event.target.closest(".handle") !== null;
    if (this.#drag.held) this.#drag.grip = [xs[this.#row] - x, ys[this.#row] - y];
    else if (event.pointerType !== "touch") this.#follow(event);
  }

  #pointerMove(event) {
    if (this.#drag?.id === event.pointerId) this.#follow(event);
  }

  #pointerUp(event) {
    if (this.#drag?.id !== event.pointerId) return;
    if (!this.#drag.held && !this.#drag.moved) this.#follow(event); // A tap.
    this.#release();
    this.#send();
  }

  // The browser scrolls the page instead.
  #pointerCancel(event) {
    if (this.#drag?.id !== event.pointerId) return;
    this.#value = this.#drag.from;
    this.#release();
    this.#show();
  }

  #release() {
    this.#drag = null;
    this.root.removeAttribute("data-dragging");
  }

  #under(event) {
    const box = this.#drag.plot.getBoundingClientRect();
    return [(event.clientX - box.left) / unit(), (event.clientY - box.top) / unit()];
  }

  // To the row nearest to the pointer: along x, on the ROC along the curve.
  #follow(event) {
    const { plot, grip } = this.#drag;
    const { xs, ys } = this.#painted[plot.dataset.plot];
    const [x, y] = this.#under(event).map((at, i) => at + grip[i]);
    const weight = plot.dataset.plot === "roc" ? 1 : 0;
    let [nearest, least] = [0, Infinity];
    for (let i = 0; i < xs.length; i++) {
      const distance = (xs[i] - x) ** 2 + weight * (ys[i] - y) ** 2;
      if (distance < least) [nearest, least] = [i, distance];
    }
    this.#drag.moved = true;
    this.#moveTo(nearest);
  }

  #key(event) {
    const direction = { ArrowLeft: -1, ArrowDown: -1, PageDown: -1, ArrowRight: 1, ArrowUp: 1, PageUp: 1 }[event.key];
    if (event.key === "Home") this.#moveTo(0);
    else if (event.key === "End") this.#moveTo(this.#scene.thresholds.length - 1);
    else if (direction === undefined) return;
    else this.#moveTo(event.shiftKey || event.key.startsWith("Page") ? this.#page(direction) : this.#row + direction);
    event.preventDefault(); // These keys must not scroll the page.
    clearTimeout(this.#timer);
    this.#timer = setTimeout(() => this.#send(), KEY_PAUSE);
  }

  // The nearest row that accepts at least 5 % more of all examples, or less.
  #page(direction) {
    const { accepted } = this.#scene;
    const row = this.#row;
    const goal = accepted[row] + direction * PAGE * accepted.at(-1);
    if (direction < 0) return Math.min(row - 1, accepted.findLastIndex((n) => n <= goal));
    const found = accepted.findIndex((n) => n >= goal);
    return found < 0 ? accepted.length - 1 : Math.max(row + 1, found);
  }
}

const shown = new WeakMap();

// Streamlit calls this again, over the same elements, when data or theme change; and what it returned, at the very end.
export default function (component) {
  const root = component.parentElement.querySelector(".threshold");
  if (shown.has(root)) shown.get(root).update(component);
  else shown.set(root, new ThresholdView(root, component));
  return () => shown.get(root).disconnect();
}
