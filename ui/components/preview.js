// The picture that the models see, and what it will be while a slider that disturbs it is dragged: the same arithmetic
// as `uqcore.datasets.corruptions`, in the browser. Python hears of a slider at its release, as of any.

const SIDE = 28;
const TRUNCATE = 4; // Standard deviations of the Gaussian, as SciPy's.

const bytes = (text) => Float32Array.from(atob(text), (c) => c.charCodeAt(0) / 255);

// The image at (row, column) of `source`, linearly interpolated; beyond its edge it is 0.
function resample(image, source) {
  const at = (row, column) => (row < 0 || row >= SIDE || column < 0 || column >= SIDE ? 0 : image[row * SIDE + column]);
  return image.map((_, i) => {
    const [row, column] = source(Math.floor(i / SIDE), i % SIDE);
    const [r, c] = [Math.floor(row), Math.floor(column)];
    const [down, right] = [row - r, column - c];
    return (
      (1 - down) * ((1 - right) * at(r, c) + right * at(r, c + 1)) +
      down * ((1 - right) * at(r + 1, c) + right * at(r + 1, c + 1))
    );
  });
}

function rotate(image, degrees) {
  const [cos, sin] = [Math.cos((degrees * Math.PI) / 180), Math.sin((degrees * Math.PI) / 180)];
  const middle = (SIDE - 1) / 2;
  return resample(image, (row, column) => {
    const [y, x] = [row - middle, column - middle];
    return [middle + cos * y + sin * x, middle - sin * y + cos * x];
  });
}

function blur(image, sigma) {
  const radius = Math.floor(TRUNCATE * sigma + 0.5);
  const weights = Array.from({ length: 2 * radius + 1 }, (_, i) => Math.exp(-0.5 * ((i - radius) / sigma) ** 2));
  const sum = weights.reduce((a, b) => a + b);
  const along = (from, stride, lineStride) =>
    from.map((_, i) => {
      const [place, line] = stride === 1 ? [i % SIDE, Math.floor(i / SIDE)] : [Math.floor(i / SIDE), i % SIDE];
      let total = 0;
      weights.forEach((weight, k) => {
        const other = place + k - radius;
        if (other >= 0 && other < SIDE) total += weight * from[line * lineStride + other * stride];
      });
      return total / sum;
    });
  return along(along(image, SIDE, 1), 1, SIDE);
}

function disturb(image, noise, { rotation, blur: sigma, right, down, noise: weight }) {
  let made = rotation === 0 ? image : rotate(image, rotation);
  if (sigma > 0) made = blur(made, sigma);
  if (right !== 0 || down !== 0) made = resample(made, (row, column) => [row - down, column - right]);
  return made.map((value, i) => (1 - weight) * value + weight * noise[i]);
}

class Preview {
  #data;

  constructor(root, component) {
    this.root = root;
    this.canvas = root.querySelector("canvas");
    // Streamlit's sliders say where they stand while they are dragged.
    this.observer = new MutationObserver(() => this.#follow());
    this.observer.observe(document.body, { subtree: true, attributeFilter: ["aria-valuetext"] });
    this.update(component);
  }

  update({ data }) {
    this.#data = data;
    this.root.querySelector(".made").innerHTML = data.html;
    [this.image, this.noise] = [bytes(data.image), bytes(data.noise)];
    this.#follow();
  }

  disconnect() {
    this.observer.disconnect();
  }

  // Where the sliders stand: what Python has, but for those that are being dragged.
  #follow() {
    const disturbed = Object.fromEntries(this.#data.disturbed);
    const now = Object.fromEntries(
      Object.entries(disturbed).map(([key, value]) => {
        const slider = document.querySelector(`.st-key-${key} input[type=range]`);
        return [key, slider === null ? value : Number(slider.value)];
      }),
    );
    const moved = Object.keys(now).some((key) => Math.abs(now[key] - disturbed[key]) > 1e-6);
    this.canvas.hidden = !moved;
    if (moved) this.#paint(disturb(this.image, this.noise, now));
  }

  #paint(image) {
    const picture = this.root.querySelector(".made img");
    if (picture === null) return;
    const { width, height } = picture.getBoundingClientRect();
    this.canvas.style.cssText = `width:${width}px;height:${height}px`;
    const pixels = new ImageData(SIDE, SIDE);
    image.forEach((value, i) => {
      const level = Math.round(255 * Math.min(1, Math.max(0, value)));
      pixels.data.set([level, level, level, 255], 4 * i);
    });
    this.canvas.getContext("2d").putImageData(pixels, 0, 0);
  }
}

const shown = new WeakMap();

// Streamlit calls this again, over the same elements, when data or theme change; and what it returned, at the very end.
export default function (component) {
  const root = component.parentElement.querySelector(".preview");
  if (shown.has(root)) shown.get(root).update(component);
  else shown.set(root, new Preview(root, component));
  return () => shown.get(root).disconnect();
}
