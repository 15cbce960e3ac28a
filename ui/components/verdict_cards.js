// Cards made by Python, and the threshold that their verdicts follow here: Python hears of it when it stops.

const KEY_PAUSE = 250; // ms without a key press after which Python hears.

class VerdictCards {
  #component;
  #threshold;
  #timer = 0;

  constructor(root, component) {
    this.root = root;
    this.slider = root.querySelector("input");
    // A threshold in later data is an echo, perhaps older than what the visitor has chosen: it is not read.
    this.#threshold = component.data.threshold;
    let pause = 0;
    this.slider.addEventListener("keydown", () => (pause = KEY_PAUSE));
    this.slider.addEventListener("pointerdown", () => (pause = 0));
    this.slider.addEventListener("change", () => this.#send(pause));
    this.slider.addEventListener("input", () => {
      this.#threshold = this.#component.data.thresholds[this.slider.value];
      this.#cut();
    });
    this.update(component);
  }

  update(component) {
    this.#component = component;
    const { html, thresholds } = component.data;
    if (html !== this.html) this.root.querySelector(".made").innerHTML = this.html = html;
    const apart = thresholds.map((each) => Math.abs(each - this.#threshold));
    [this.slider.max, this.slider.value] = [thresholds.length - 1, apart.indexOf(Math.min(...apart))];
    this.#cut();
  }

  disconnect() {
    clearTimeout(this.#timer);
  }

  #cut() {
    const { accept, defer } = this.#component.data;
    const text = this.#threshold.toFixed(2);
    this.slider.setAttribute("aria-valuetext", text);
    this.root.querySelector("output").textContent = text;
    for (const card of this.root.querySelectorAll(".card")) {
      const accepted = Number(card.dataset.share) <= this.#threshold;
      const verdict = card.querySelector(".verdict");
      verdict.className = `verdict ${accepted ? "accept" : "defer"}`;
      verdict.textContent = accepted ? accept : defer;
      card.querySelector(".gauge i").style.left = `${100 * this.#threshold}%`;
    }
  }

  #send(pause) {
    clearTimeout(this.#timer);
    this.#timer = setTimeout(() => this.#component.setStateValue("threshold", this.#threshold), pause);
  }
}

const shown = new WeakMap();

// Streamlit calls this again, over the same elements, when data or theme change; and what it returned, at the very end.
export default function (component) {
  const root = component.parentElement.querySelector(".verdict-cards");
  if (shown.has(root)) shown.get(root).update(component);
  else shown.set(root, new VerdictCards(root, component));
  return () => shown.get(root).disconnect();
}
