// The tour's panel and bar, presenter mode and its keys. The steps come from Python; what was guessed stays here.

const CHANNEL = "uncertainty-lab"; // Between the presented window and that of the notes.
const KEEPS = "input, textarea, select, [contenteditable], [role=slider], [role=application], [role=radio], [role=tab], " +
  "[role=option], [role=combobox], .pad"; // What is moved by arrow keys itself.
const MARGIN = 12; // px between what opens over the page and the screen's edge.
const PHONE = matchMedia("(max-width: 40rem)"); // As in the style.
const PARTLY = 80; // px: scrolled so far, a visitor looks at the figure.

const store = {
  get(name) {
    try {
      return sessionStorage.getItem(name);
    } catch {
      return null; // Forbidden in some frames.
    }
  },
  set(name, value) {
    try {
      if (value === null) sessionStorage.removeItem(name);
      else sessionStorage.setItem(name, value);
    } catch {
      // Not kept, then.
    }
  },
};

// The veil is there before the next figure is.
function goOn(href, options) {
  showTold(new URL(href, location.href).searchParams.get("tour"));
  go(href, options);
}

const guessed = (n) => store.get(`tour-guess-${n}`);

// The page's style veils what follows a question until it is answered.
function showTold(n) {
  document.documentElement.toggleAttribute("data-told", n !== null && guessed(n) !== null);
}

// A page that is opened or gone to is seen when it is whole: Python has answered, what is in sight has been loaded, and
// for some frames nothing has grown. What waits longer than the style says is seen then.
const [STILL, STILL_TURNED] = [12, 5]; // frames; Streamlit's scripts are there when another page is gone to
const UNANSWERED = ".st-key-page:not(:has(.st-key-answer .stMarkdown))";
const UNSEEN = ".st-key-stage, [class*=st-key-kept_]"; // Components that have no height.
const LOADING = `[data-testid=stSkeleton], [data-testid=stElementContainer]:not(${UNSEEN}) > .stBidiComponent`;

function showWhenWhole() {
  const { documentElement: html } = document;
  const isTurned = html.hasAttribute("data-whole") && html.dataset.page !== location.pathname;
  html.dataset.page = location.pathname;
  html.toggleAttribute("data-turned", isTurned);
  const inSight = (selector) =>
    [...document.querySelectorAll(selector)].filter((each) => {
      const [box] = each.getClientRects(); // None of what is folded.
      return box !== undefined && box.top < innerHeight;
    });
  let [frames, last] = [0, ""];
  const look = () => {
    const places = inSight("[data-testid=stElementContainer]").map((each) => Math.round(each.getBoundingClientRect().top));
    const waits = inSight(LOADING).some((each) => !(each.matches(".stBidiComponent") && each.offsetHeight > 0));
    const isDone = document.querySelector("[data-test-script-state=notRunning]") && !document.querySelector(UNANSWERED);
    const now = places.join();
    frames = isDone && !waits && now === last ? frames + 1 : 0;
    last = now;
    if (frames < (isTurned ? STILL_TURNED : STILL)) return requestAnimationFrame(look);
    html.toggleAttribute("data-turned", false);
    return html.toggleAttribute("data-whole", true);
  };
  if (isTurned || !html.hasAttribute("data-whole")) look();
}

// What the page's style goes by. As a rule of the style, with :has, it cost a page with many curves seconds.
const ANSWERED = ".st-key-answer .stMarkdown, .stProgress, .stSpinner, .stException";

function sayWhetherAnswered() {
  document.documentElement.toggleAttribute("data-unanswered", !document.querySelector(ANSWERED));
}

// Streamlit empties the page when another is gone to. Until that one's style is there the last one's holds: without any
// the page is narrow and far down.
const last = { style: null, held: document.createElement("style") };

function holdStyle() {
  const style = document.querySelector(".stHtml > style.page");
  if (style === null) {
    if (!last.held.isConnected) document.head.append(last.held);
    return;
  }
  last.held.remove();
  if (style === last.style) return;
  last.style = style;
  last.held.textContent = style.textContent;
}

// Whether a figure has the whole screen; with :has, too, every insertion anywhere cost a look at all of the page.
function sayWhetherAlone() {
  const { documentElement: html, fullscreenElement } = document;
  html.toggleAttribute("data-alone", fullscreenElement !== null && fullscreenElement !== html);
}

// Streamlit tells visitors of a server that is away to start it in their terminal.
const AWAY = "It may be starting again. This page stays as it is, and goes on by itself when the server is back.";

function sayInOurWords() {
  const dialog = document.querySelector("[role=dialog]");
  if (dialog === null || dialog.dataset.away || !/Connection error/.test(dialog.textContent)) return;
  dialog.dataset.away = "true";
  const leaves = [...dialog.querySelectorAll("*")].filter((each) => /\S/.test(each.textContent) && !each.children.length);
  for (const leaf of leaves) {
    if (/Connection error/.test(leaf.textContent)) leaf.textContent = "The server is away";
    else if (leaf.closest("pre, code, [data-testid=stCode]")) leaf.textContent = "";
    else if (/Streamlit|server/.test(leaf.textContent)) leaf.textContent = AWAY;
  }
}

let isWatched = false;
let current = null; // The stage that is shown.

function watch() {
  sayWhetherAnswered();
  holdStyle();
  if (isWatched) return;
  isWatched = true;
  const onChange = () => {
    sayWhetherAnswered();
    holdStyle();
    sayInOurWords();
    current?.showDriven();
  };
  new MutationObserver(onChange).observe(document.body, { childList: true, subtree: true });
}

const PAPER = 700; // CSS pixels of an A4 sheet or a letter between its margins
const LEAST_PRINTED = 900; // CSS pixels; a phone's page is laid out on paper as on a small screen

// What the page's style goes by on paper: the page as wide as on the screen, made smaller as a whole.
function fitPaper() {
  const box = document.querySelector(".block-container");
  const { paddingLeft, paddingRight } = getComputedStyle(box);
  const { documentElement: html } = document;
  const width = Math.max(LEAST_PRINTED, box.clientWidth - parseFloat(paddingLeft) - parseFloat(paddingRight));
  html.style.setProperty("--print-width", `${width}px`);
  html.style.setProperty("--print-zoom", Math.min(1, PAPER / width));
  html.style.setProperty("--print-link", JSON.stringify(location.href));
  html.style.setProperty("--print-font", getComputedStyle(html).fontSize);
  const [red, green, blue] = getComputedStyle(document.querySelector(".stApp")).backgroundColor.match(/\d+/g).map(Number);
  html.toggleAttribute("data-dark", red + green + blue < 384);
}

function here(change) {
  const url = new URL(location.href);
  change(url.searchParams);
  return url.href;
}

class Stage {
  #component;
  #data;

  constructor(root, component) {
    this.root = root;
    this.find = (selector) => root.querySelector(selector);
    current = this;
    this.ends = new AbortController();
    this.channel = new BroadcastChannel(CHANNEL);
    this.#listen();
    this.update(component);
    showWhenWhole();
    keepOneStep();
    watch();
  }

  update(component) {
    this.#component = component;
    this.#data = component.data;
    const { n, goes, notes, qr } = this.#data;
    if (goes) {
      goOn(goes, { replace: true });
      return;
    }
    if (n) store.set("tour", String(n));
    if (this.#isVeiled && this.#isDriven) store.set(`tour-guess-${n}`, "-1"); // By the words of the answer.
    this.root.toggleAttribute("data-tour", n > 0);
    this.#showTools();
    this.#showStep();
    if (qr && this.asked) this.#showCode();
    if (!notes) this.channel.postMessage({ shows: n });
  }

  disconnect() {
    if (current === this) current = null;
    this.ends.abort();
    this.channel.close();
  }

  #showTools() {
    const { n, present, steps } = this.#data;
    this.find(".tools").hidden = n > 0 || present;
    const last = Number(store.get("tour"));
    const begin = this.find(".begin");
    begin.textContent = last > 1 ? `Guided tour, step ${last}` : "Guided tour";
    begin.href = `./?tour=${last || 1}`;
    this.find(".bar").hidden = n === 0;
    if (n === 0) return;
    this.find(".count").textContent = `${n} of ${steps.length}`;
    const at = (i) => steps[i - 1]?.href;
    for (const [name, href] of [["back", at(n - 1)], ["next", at(n + 1)]]) {
      const link = this.find(`.${name}`);
      if (href) link.href = href;
      else link.removeAttribute("href");
    }
    this.find(".leave").href = here((query) => query.delete("tour"));
    const dots = steps.map(({ claim, href }, i) => {
      const [item, link] = [document.createElement("li"), document.createElement("a")];
      Object.assign(link, { href, title: claim });
      link.setAttribute("aria-label", `${i + 1}. ${claim}`);
      if (i + 1 === n) link.setAttribute("aria-current", "step");
      item.append(link);
      return item;
    });
    this.find(".dots").replaceChildren(...dots);
  }

  #showStep() {
    const { n, told, steps } = this.#data;
    this.find(".panel").hidden = !told;
    if (!told) return;
    if (this.step !== n) this.#fold(guessed(n) !== null); // Else it is as the visitor has left it.
    this.step = n;
    this.find(".claim").textContent = steps[n - 1].claim;
    this.find(".picture").innerHTML = told.picture;
    this.find(".question").innerHTML = told.ask;
    this.find(".options").replaceChildren(...told.options.map((text, i) => this.#option(text, i)));
    this.#answer();
  }

  #option(text, i) {
    const button = document.createElement("button");
    Object.assign(button, { type: "button", textContent: text });
    button.addEventListener("click", () => this.#guess(i));
    return button;
  }

  // -1 is a visitor who would rather be told.
  #guess(i, folds = true) {
    store.set(`tour-guess-${this.#data.n}`, String(i));
    this.#fold(folds);
    this.#answer();
  }

  // On a phone the answer takes the question's place; who has scrolled to it must not see it jump.
  #fold(folds) {
    this.find(".ask").open = !(folds && PHONE.matches);
  }

  #answer() {
    const { told, n } = this.#data;
    const guess = guessed(n);
    const open = told.options.length === 0 || guess !== null;
    this.root.toggleAttribute("data-open", open);
    this.root.toggleAttribute("data-asks", told.options.length > 0);
    showTold(n);
    this.find(".next").textContent = open ? "Next ›" : "Answer ›";
    this.root.querySelectorAll(".options button").forEach((button, i) => {
      button.toggleAttribute("data-right", open && i === told.right);
      button.setAttribute("aria-pressed", String(guess === String(i)));
    });
    // Filled in only now: what is read aloud must not be told before.
    const answer = this.find(".told");
    const html = open ? verdict(told, guess) + told.told : "";
    if (answer.dataset.html !== html) answer.innerHTML = answer.dataset.html = html;
    this.showDriven(true);
  }

  // Of the words that drive the figure, those that it follows now.
  showDriven(always = false) {
    if (!always && location.search === this.driven) return;
    this.driven = location.search;
    const sorted = (href) => {
      const { pathname, searchParams } = new URL(href, location.href);
      searchParams.sort();
      return `${pathname}?${searchParams}`;
    };
    const now = sorted(location.href);
    for (const link of this.find(".told").querySelectorAll("a[href]:not(.word)")) {
      const isShown = sorted(link.href) === now;
      if (isShown) link.setAttribute("aria-current", "true");
      else link.removeAttribute("aria-current");
    }
  }

  // Whether the link sets the step's figure otherwise than the step does: whoever made it has been told.
  get #isDriven() {
    const { n, steps } = this.#data;
    const asked = new URL(location.href).searchParams;
    const own = new URL(steps[n - 1].href, location.href).searchParams;
    return asked.get("tour") === String(n) && [...asked.keys()].some((name) => !own.has(name));
  }

  get #isVeiled() {
    const { n, told } = this.#data;
    return Boolean(told?.options.length) && guessed(n) === null;
  }

  #reveal(folds = true) {
    if (this.#isVeiled) this.#guess(-1, folds);
  }

  #step(by) {
    const { n, steps, notes } = this.#data;
    if (by > 0 && this.#isVeiled) return this.#reveal();
    const to = n ? n + by : Number(store.get("tour")) || 1;
    if (to < 1 || to > steps.length) return undefined;
    if (notes) this.channel.postMessage({ go: to });
    return goOn(steps[to - 1].href);
  }

  #listen() {
    const { signal } = this.ends;
    const on = (target, type, act, more) => target.addEventListener(type, act, { signal, ...more });
    // Links in the panel and the bar are followed without loading the page again.
    on(this.root, "click", (event) => {
      const link = event.target.closest("a[href]:not(.word)");
      if (link === null || !isPlain(event)) return;
      event.preventDefault();
      if (link.matches(".next") && this.#isVeiled) this.#reveal(); // As the key.
      else goOn(link.href);
    });
    on(this.find(".present"), "click", () => this.#present(true));
    on(this.find(".controls"), "click", () => this.#toggleControls());
    on(document, "click", (event) => {
      const link = event.composedPath().find((each) => each instanceof Element && each.matches('a[href^="#word-"]'));
      if (link && isPlain(event) && this.#explain(link)) event.preventDefault();
    }, { capture: true });
    on(this.find(".meaning"), "beforetoggle", ({ newState, target }) => {
      const active = this.root.getRootNode().activeElement;
      if (newState === "closed" && target.contains(active)) this.explained?.focus({ preventScroll: true });
    });
    on(window, "beforeprint", fitPaper);
    on(document, "fullscreenchange", sayWhetherAlone);
    on(this.find(".ask"), "toggle", ({ target }) => this.root.toggleAttribute("data-folded", !target.open));
    on(PHONE, "change", () => this.#fold(false));
    on(document, "keydown", (event) => this.#key(event));
    on(document, "scroll", (event) => this.#scrolled(event), { capture: true, passive: true });
    on(document, "wheel", ({ deltaY }) => this.#pulled(deltaY), { passive: true });
    let from = 0;
    on(document, "touchstart", ({ touches }) => (from = touches[0].clientY), { passive: true });
    on(document, "touchmove", ({ touches }) => this.#pulled(from - touches[0].clientY - PARTLY), { passive: true });
    on(document, "focusin", (event) => {
      if (!event.composedPath().includes(this.root) && event.target.matches("a, button, input, [tabindex]")) {
        if (this.#isVeiled && event.target.matches(":focus-visible")) this.#reveal(false);
      }
    });
    this.channel.onmessage = ({ data }) => this.#told(data);
    this.channel.postMessage({ asks: true });
  }

  #scrolled({ target }) {
    if (target !== this.find(".meaning")) this.find(".meaning").hidePopover?.();
    if (!this.#isVeiled || !(target instanceof Element) || !target.contains(this.root.getRootNode().host ?? this.root)) return;
    const above = this.find(".panel").getBoundingClientRect().bottom < 0.6 * innerHeight; // On a phone it is tall.
    if (target.scrollTop > PARTLY && (above || isBeside())) this.#reveal(false);
  }

  // By a wheel or a finger that would scroll on, where there is nothing to scroll.
  #pulled(by) {
    const page = document.querySelector("[data-testid=stMain]");
    if (by > 0 && page && page.scrollHeight <= page.clientHeight + PARTLY) this.#reveal(false);
  }

  // From the other window.
  #told({ shows, go: to, asks }) {
    const { n, notes, steps } = this.#data;
    if (notes && shows && shows !== n) goOn(here((query) => query.set("tour", shows)), { replace: true });
    if (notes) return;
    if (to && to !== n) goOn(steps[to - 1].href);
    if (asks) this.channel.postMessage({ shows: n });
  }

  #present(on) {
    goOn(here((query) => (on ? query.set("present", "1") : query.delete("present"))));
  }

  #key(event) {
    const { n, present, told, notes } = this.#data;
    if (event.defaultPrevented || event.ctrlKey || event.metaKey || event.altKey) return;
    const [target] = event.composedPath();
    if (target instanceof Element && target.closest(KEEPS)) return;
    if (this.root.querySelector(".meaning:popover-open")) return; // Escape closes it, and leaves nothing.
    if (this.root.querySelector("dialog[open]") && event.key !== "?") return;
    const steps = { ArrowRight: 1, ArrowLeft: -1, ...(present && { PageDown: 1, PageUp: -1 }) };
    if ((n || present || notes) && event.key in steps) {
      this.#step(steps[event.key]);
    } else if (n && told && event.key >= "1" && event.key <= String(told.options.length)) {
      this.#guess(Number(event.key) - 1);
    } else if (!present || !this.#presenterKey(event.key)) {
      return;
    }
    event.preventDefault();
  }

  #presenterKey(key) {
    const acts = {
      r: () => this.#reset(),
      c: () => this.#toggleControls(),
      f: () => (document.fullscreenElement ? document.exitFullscreen() : document.documentElement.requestFullscreen()),
      q: () => this.#askCode(),
      n: () => window.open(this.#data.notes_href, "notes", "popup,width=900,height=700"),
      b: () => this.#beforeAfter(),
      p: () => this.#present(false),
      Escape: () => this.#present(false),
      "?": () => this.#toggle(this.find(".keys")),
    };
    const act = acts[key.length === 1 ? key.toLowerCase() : key];
    act?.();
    return act !== undefined;
  }

  // A page hides its controls on the tour.
  #toggleControls() {
    this.#reveal(); // Who moves them looks at the figure.
    const on = document.documentElement.toggleAttribute("data-controls");
    this.find(".controls").setAttribute("aria-pressed", String(on));
  }

  #toggle(dialog) {
    if (dialog.open) dialog.close();
    else dialog.showModal();
  }

  // The entry of the page's list of words that ``link`` leads to, beside it: nothing else moves.
  #explain(link) {
    const name = document.getElementById(new URL(link.href).hash.slice(1));
    const card = this.find(".meaning");
    if (name === null || !card.showPopover) return false;
    const words = document.createElement("strong");
    words.textContent = name.textContent;
    card.setAttribute("aria-label", name.textContent);
    card.replaceChildren(words, ...[...name.nextElementSibling.cloneNode(true).childNodes]);
    words.after(document.createElement("br"));
    card.showPopover();
    this.explained = link;
    const [{ left, top, bottom }] = link.getClientRects();
    const { width, height } = card.getBoundingClientRect();
    const isBelow = bottom + height + MARGIN < innerHeight || top < height + MARGIN;
    card.style.setProperty("--left", `${Math.max(MARGIN, Math.min(left, innerWidth - width - MARGIN))}px`);
    card.style.setProperty("--top", `${Math.max(MARGIN, isBelow ? bottom + MARGIN / 2 : top - height - MARGIN / 2)}px`);
    card.focus({ preventScroll: true });
    return true;
  }

  // As the step, or the page, opens.
  #reset() {
    const { n, steps } = this.#data;
    if (n) store.set(`tour-guess-${n}`, null);
    const to = n ? steps[n - 1].href : `${location.pathname}?present=1`;
    if (new URL(to, location.href).href === location.href) this.#showStep();
    else goOn(to);
  }

  #askCode() {
    this.asked = here((query) => ["present", "notes"].forEach((name) => query.delete(name)));
    if (this.#data.qr?.url === this.asked) this.#showCode();
    else this.#component.setStateValue("asked", this.asked);
  }

  #showCode() {
    const { url, svg, problem } = this.#data.qr;
    if (url !== this.asked) return;
    this.asked = null;
    this.find(".qr").innerHTML = svg;
    this.find(".link").textContent = problem || url;
    if (!this.find(".code").open) this.find(".code").showModal();
  }

  #beforeAfter() {
    const now = location.pathname + location.search;
    const before = store.get("before");
    if (before === null || before === now) {
      store.set("before", now);
      this.find(".said").textContent = "Kept as “before”. Change something, and press B again.";
      return;
    }
    store.set("before", null);
    goOn(`./?${new URLSearchParams({ before, after: now })}`);
  }
}

function verdict({ options, right }, guess) {
  if (options.length === 0 || guess === null || guess === "-1") return "";
  return guess === String(right) ? "<b class=hit>Right.</b> " : "<b class=miss>Not quite.</b> ";
}

// As in the page's style: on a wide screen the panel stands beside the figure.
const isBeside = () => matchMedia("(min-width: 64rem) and (min-aspect-ratio: 4/3)").matches;

const shown = new WeakMap();

// Streamlit calls this again, over the same elements, when data or theme change; and what it returned, at the very end.
export default function (component) {
  const root = component.parentElement.querySelector(".stage");
  if (shown.has(root)) shown.get(root).update(component);
  else shown.set(root, new Stage(root, component));
  return () => shown.get(root).disconnect();
}
