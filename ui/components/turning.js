// A picture that turns, and what each method says of it meanwhile; all that is said comes from Python.

const EVERY = 260; // ms an angle stays.
const TICK = 1; // Width of an angle's mark, of which a gap is left.

class Turning {
  #data;
  #at = 0;
  #timer = 0;

  constructor(root, component) {
    this.root = root;
    this.find = (selector) => root.querySelector(selector);
    addWholeScreen(root);
    if (this.find(".whole")) this.find(".left").append(this.find(".whole")); // Beside the slider, not in a column of its own.
    this.find("input").addEventListener("input", ({ target }) => {
      this.#play(false);
      this.#show(Number(target.value));
    });
    this.find(".play").addEventListener("click", () => this.#play(!this.#timer));
    this.observer = new IntersectionObserver(([entry]) => this.#seen(entry.isIntersecting));
    this.observer.observe(root);
    this.update(component);
    this.#play(!matchMedia("(prefers-reduced-motion: reduce)").matches);
  }

  update({ data }) {
    if (data.sheet === this.#data?.sheet) return; // The same again: it goes on turning.
    this.#data = data;
    this.find(".picture").style.backgroundImage = `url(${data.sheet})`;
    this.find(".picture").style.backgroundSize = `${100 * data.angles.length}% 100%`;
    this.find("input").max = data.angles.length - 1;
    this.find(".rows").replaceChildren(...data.rows.map((row) => this.#row(row)));
    this.#show(this.#at);
  }

  disconnect() {
    this.#play(false);
    this.observer.disconnect();
  }

  #row({ label, color, accepted }) {
    const item = this.find("template").content.firstElementChild.cloneNode(true);
    item.style.setProperty("--series", color);
    item.querySelector(".name").textContent = label;
    const ring = item.querySelector(".ring");
    ring.setAttribute("viewBox", `0 0 ${accepted.length} 10`);
    const bars = accepted.map((yes, i) => `M${i + 0.1} ${yes ? 0 : 7}h${TICK - 0.2}V10h-${TICK - 0.2}z`).join("");
    ring.innerHTML = `<path class="marks" d="${bars}"/><rect class="now" y="-1" width="${TICK}" height="12"/>`;
    return item;
  }

  #show(at) {
    this.#at = at;
    const { angles, rows, alt, accept, defer } = this.#data;
    const angle = angles[at];
    this.find(".picture").style.backgroundPositionX = `${(100 * at) / (angles.length - 1)}%`;
    this.find(".picture").setAttribute("aria-label", `${alt}, turned by ${angle} degrees`);
    this.find("input").value = at;
    this.find("output").textContent = `${angle}°`;
    this.root.querySelectorAll(".rows li").forEach((item, i) => {
      const { names, sure, accepted } = rows[i];
      item.querySelector(".said").innerHTML = `<b></b> ${sure[at]}`;
      item.querySelector(".said b").textContent = names[at];
      const verdict = item.querySelector(".verdict");
      verdict.textContent = accepted[at] ? accept : defer;
      verdict.toggleAttribute("data-accept", Boolean(accepted[at]));
      item.querySelector(".now").setAttribute("x", at);
    });
  }

  // Out of sight it rests.
  #seen(is) {
    this.isSeen = is;
  }

  #play(on) {
    clearInterval(this.#timer);
    this.#timer = on
      ? setInterval(() => this.isSeen && !document.hidden && this.#show((this.#at + 1) % this.#data.angles.length), EVERY)
      : 0;
    const button = this.find(".play");
    button.toggleAttribute("data-on", on);
    button.setAttribute("aria-label", on ? "Pause" : "Turn");
  }
}

const shown = new WeakMap();

// Streamlit calls this again, over the same elements, when data or theme change; and what it returned, at the very end.
export default function (component) {
  const root = component.parentElement.querySelector(".turning");
  if (shown.has(root)) shown.get(root).update(component);
  else shown.set(root, new Turning(root, component));
  return () => shown.get(root).disconnect();
}
