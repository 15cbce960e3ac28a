// Cards made by Python, and the threshold that their verdicts follow here: Python hears of it when it stops.

class VerdictCards {
  #component;
  #threshold;

  constructor(root, component) {
    this.root = root;
    addWholeScreen(root);
    // A threshold in later data is an echo, perhaps older than what the visitor has chosen: it is not read.
    this.#threshold = component.data.threshold;
    this.range = new ThresholdRange(
      root.querySelector(".cut"),
      (value) => {
        this.#threshold = value;
        this.#cut();
      },
      (value) => this.#component.setStateValue("threshold", value),
    );
    this.update(component);
  }

  update(component) {
    this.#component = component;
    const { html } = component.data;
    if (html !== this.html) this.root.querySelector(".made").innerHTML = this.html = html;
    this.#cut();
  }

  disconnect() {
    this.range.disconnect();
  }

  #cut() {
    const { accept, defer, thresholds } = this.#component.data;
    this.range.show(thresholds, this.#threshold);
    for (const card of this.root.querySelectorAll(".card")) {
      const accepted = Number(card.dataset.share) <= this.#threshold;
      const verdict = card.querySelector(".verdict");
      verdict.className = `verdict ${accepted ? "accept" : "defer"}`;
      verdict.textContent = accepted ? accept : defer;
      card.querySelector(".gauge i").style.left = `${100 * this.#threshold}%`;
      card.querySelector(".gauge").style.setProperty("--tick", `${100 * this.#threshold}%`);
    }
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
