// Pointer events -> strokes -> ink on a canvas; the whole drawing goes to Python as a string: at the pen-up, and now and
// then while the pen moves.
// A stroke is an array of [x, y], whole numbers from 0 to 255 across the pad: what is shown is what is sent.

const SIDE = 255;
const MIN_STEP = 1.5; // Pen samples closer than this add nothing: the pen is about 23 units wide.
const TOLERANCE = 0.7; // How far simplifying may move the path, in units: under a pixel.
const MAX_POINTS = 256; // In one stroke. A longer one, e.g. a scribble, is simplified further.
const INK = "#fff";
const MOVING = "~"; // Before a drawing whose last stroke goes on.
const LIVE_EVERY = 250; // ms

function encode(strokes) {
  const bytes = strokes.flatMap((stroke) => [stroke.length >> 8, stroke.length & 255, ...stroke.flat()]);
  const text = bytes.map((byte) => String.fromCharCode(byte)).join("");
  return btoa(text).replaceAll("+", "-").replaceAll("/", "_").replaceAll("=", "");
}

// A drawing comes from a URL, which anyone may have edited: what does not decode is an empty pad.
function decode(string) {
  let bytes;
  try {
    bytes = Uint8Array.from(atob(string.replaceAll("-", "+").replaceAll("_", "/")), (c) => c.charCodeAt(0));
  } catch {
    return [];
  }
  const strokes = [];
  for (let at = 0; at < bytes.length; ) {
    const n = (bytes[at] << 8) | bytes[at + 1];
    const end = at + 2 + 2 * n;
    if (!(n > 0 && end <= bytes.length)) return [];
    strokes.push(Array.from({ length: n }, (_, i) => [bytes[at + 2 + 2 * i], bytes[at + 3 + 2 * i]]));
    at = end;
  }
  return strokes;
}

// To the segment, not to the line through it: a stroke may go out and come back the same way.
function distanceToSegment([x, y], [x0, y0], [x1, y1]) {
  const [dx, dy] = [x1 - x0, y1 - y0];
  const along = ((x - x0) * dx + (y - y0) * dy) / (dx * dx + dy * dy || 1);
  const t = Math.min(1, Math.max(0, along));
  return Math.hypot(x - x0 - t * dx, y - y0 - t * dy);
}

// Ramer, Douglas & Peucker: keep the point farthest from the chord, on both sides of it again, down to the tolerance.
function simplify(points, tolerance = TOLERANCE) {
  const keep = new Set([0, points.length - 1]);
  const spans = [[0, points.length - 1]];
  while (spans.length > 0) {
    const [first, last] = spans.pop();
    let farthest = first;
    let distance = tolerance;
    for (let i = first + 1; i < last; i++) {
      const d = distanceToSegment(points[i], points[first], points[last]);
      if (d > distance) [farthest, distance] = [i, d];
    }
    if (farthest === first) continue;
    keep.add(farthest);
    spans.push([first, farthest], [farthest, last]);
  }
  const kept = points.filter((_, i) => keep.has(i));
  return kept.length > MAX_POINTS ? simplify(points, 2 * tolerance) : kept;
}

class Pad {
  #strokes;
  #before; // The drawings that Undo goes back to: Clear, too, can be undone.
  #pen = null; // The stroke being drawn: {id: pointer id, points}.
  #frame = 0;
  #live = 0; // The timer while the pen is down.
  #component;

  constructor(root, component) {
    this.root = root;
    this.canvas = root.querySelector("canvas");
    this.undoButton = root.querySelector(".undo");
    this.clearButton = root.querySelector(".clear");
    this.connect(component);
    this.#strokes = decode(component.data.strokes);
    this.#before = this.#strokes.map((_, i) => this.#strokes.slice(0, i));
    this.#listen();
    this.observer = new ResizeObserver(() => this.#paint());
    this.observer.observe(this.canvas);
    this.#show();
  }

  // The strokes in later data are an echo, and perhaps older than what is on the pad: they are not read.
  connect(component) {
    this.#component = component;
  }

  disconnect() {
    clearInterval(this.#live);
    cancelAnimationFrame(this.#frame);
    this.observer.disconnect();
  }

  #listen() {
    const { canvas } = this;
    canvas.addEventListener("pointerdown", (event) => this.#penDown(event));
    canvas.addEventListener("pointermove", (event) => this.#penMove(event));
    for (const type of ["pointerup", "pointercancel"]) {
      canvas.addEventListener(type, (event) => this.#penUp(event));
    }
    canvas.addEventListener("contextmenu", (event) => event.preventDefault());
    this.undoButton.addEventListener("click", () => this.#undo());
    this.clearButton.addEventListener("click", () => this.#change([]));
    this.root.addEventListener("keydown", (event) => {
      if (event.key.toLowerCase() !== "z" || !(event.ctrlKey || event.metaKey)) return;
      event.preventDefault();
      event.stopPropagation(); // The page has hotkeys of its own.
      this.#undo();
    });
  }

  #penDown(event) {
    // One pen at a time: a palm or a second finger must not add to the stroke.
    if (this.#pen !== null || event.button !== 0) return;
    this.canvas.setPointerCapture(event.pointerId);
    this.#pen = { id: event.pointerId, points: [], n_sent: 1 };
    this.#extend([event]);
    this.#live = setInterval(() => this.#sendMoving(), LIVE_EVERY);
  }

  // What is drawn so far, so that verdicts follow the pen. One at a time: a server that is busy is left alone.
  #sendMoving() {
    const { points, n_sent } = this.#pen;
    if (points.length === n_sent || document.querySelector("[data-test-script-state=running]")) return;
    this.#pen.n_sent = points.length;
    this.#component.setStateValue("strokes", MOVING + encode([...this.#strokes, simplify(points)]));
  }

  #penMove(event) {
    if (this.#pen?.id !== event.pointerId) return;
    const events = event.getCoalescedEvents?.() ?? [];
    this.#extend(events.length > 0 ? events : [event]);
  }

  #penUp(event) {
    if (this.#pen?.id !== event.pointerId) return;
    const { points } = this.#pen;
    this.#pen = null;
    clearInterval(this.#live);
    this.#change([...this.#strokes, simplify(points)]);
  }

  #extend(events) {
    const box = this.canvas.getBoundingClientRect();
    const toUnits = (offset, size) => Math.round(SIDE * Math.min(1, Math.max(0, offset / size)));
    const { points } = this.#pen;
    for (const event of events) {
      const point = [toUnits(event.clientX - box.left, box.width), toUnits(event.clientY - box.top, box.height)];
      const last = points.at(-1);
      if (last && Math.hypot(point[0] - last[0], point[1] - last[1]) < MIN_STEP) continue;
      points.push(point);
    }
    this.#show();
  }

  #undo() {
    if (this.#pen !== null || this.#before.length === 0) return;
    this.#set(this.#before.pop());
  }

  #change(strokes) {
    this.#before.push(this.#strokes);
    this.#set(strokes);
  }

  #set(strokes) {
    this.#strokes = strokes;
    this.#show();
    this.#component.setStateValue("strokes", encode(strokes));
  }

  #show() {
    const n = this.#strokes.length;
    this.root.toggleAttribute("data-inked", n > 0 || this.#pen !== null);
    this.undoButton.disabled = this.#before.length === 0;
    this.clearButton.disabled = n === 0;
    const state = n === 0 ? "empty" : n === 1 ? "1 stroke" : `${n} strokes`;
    this.canvas.setAttribute("aria-label", `Drawing pad, ${state}`);
    cancelAnimationFrame(this.#frame);
    this.#frame = requestAnimationFrame(() => this.#paint());
  }

  #paint() {
    const { canvas } = this;
    const side = Math.round(canvas.clientWidth * devicePixelRatio);
    if (canvas.width !== side) canvas.width = canvas.height = side;
    const context = canvas.getContext("2d");
    context.setTransform(side / SIDE, 0, 0, side / SIDE, 0, 0);
    context.clearRect(0, 0, SIDE, SIDE);
    context.strokeStyle = context.fillStyle = INK;
    context.lineWidth = SIDE * this.#component.data.pen_width;
    context.lineCap = context.lineJoin = "round";
    for (const stroke of this.#strokes) drawStroke(context, stroke);
    if (this.#pen !== null) drawStroke(context, this.#pen.points);
  }
}

function drawStroke(context, points) {
  context.beginPath();
  if (points.length === 1) {
    // A dot is a disc: not every browser draws the caps of a line without length.
    context.arc(...points[0], context.lineWidth / 2, 0, 2 * Math.PI);
    context.fill();
    return;
  }
  for (const point of points) context.lineTo(...point);
  context.stroke();
}

const pads = new WeakMap();

// Streamlit calls this again, over the same elements, when data or theme change; and what it returned, at the very end.
export default function (component) {
  const root = component.parentElement.querySelector(".pad");
  if (pads.has(root)) pads.get(root).connect(component);
  else pads.set(root, new Pad(root, component));
  return () => pads.get(root).disconnect();
}
