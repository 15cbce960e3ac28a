// The threshold's slider: a label with a range input and what it says. The owner follows it, and Python hears when it
// stops: at the release, or a moment after the last key.

const RANGE_PAUSE = 250; // ms without a key press.

class ThresholdRange {
  #root;
  #slider;
  #values = [];
  #value = null;
  #timer = 0;

  // `moved(value)` while it moves, `stopped(value)` where it stops.
  constructor(root, moved, stopped) {
    this.#root = root;
    this.#slider = root.querySelector("input");
    let pause = 0;
    this.#slider.addEventListener("keydown", () => (pause = RANGE_PAUSE));
    this.#slider.addEventListener("pointerdown", () => (pause = 0));
    this.#slider.addEventListener("input", () => {
      this.#value = this.#values[this.#slider.value];
      moved(this.#value);
    });
    this.#slider.addEventListener("change", () => {
      clearTimeout(this.#timer);
      this.#timer = setTimeout(() => stopped(this.#value), pause);
    });
  }

  // Stands at the nearest of `values`, and says `value`; hidden where there are none.
  show(values, value) {
    [this.#values, this.#value] = [values, value];
    this.#root.hidden = values.length === 0;
    if (this.#root.hidden) return;
    [this.#slider.max, this.#slider.value] = [values.length - 1, this.step];
    const text = value.toFixed(2);
    this.#slider.setAttribute("aria-valuetext", text);
    this.#root.querySelector("output").textContent = text;
  }

  // The place of the nearest of the values; 0 where there are none.
  get step() {
    const apart = this.#values.map((each) => Math.abs(each - this.#value));
    return Math.max(0, apart.indexOf(Math.min(...apart)));
  }

  disconnect() {
    clearTimeout(this.#timer);
  }
}
