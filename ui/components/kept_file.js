// The files that a visitor has chosen, in this tab's own storage: after a reload they are chosen again, by this tab alone.

const PREFIX = "uncertainty_lab.file.";
const MOST_BYTES = 64e6; // that are packed at all; browsers give a tab about 5 MB

async function packed(file) {
  const stream = file.stream().pipeThrough(new CompressionStream("gzip"));
  const bytes = new Uint8Array(await new Response(stream).arrayBuffer());
  let text = "";
  for (let i = 0; i < bytes.length; i += 8192) text += String.fromCharCode(...bytes.subarray(i, i + 8192));
  return { name: file.name, type: file.type, data: btoa(text) };
}

async function unpacked({ name, type, data }) {
  const bytes = Uint8Array.from(atob(data), (character) => character.charCodeAt(0));
  const stream = new Blob([bytes]).stream().pipeThrough(new DecompressionStream("gzip"));
  return new File([await new Response(stream).blob()], name, { type });
}

class KeptFile {
  #component;
  #restoring = false;
  #tried = false;
  #turn = 0;

  constructor(component) {
    this.chosen = (event) => this.#chosen(event);
    for (const kind of ["change", "drop"]) document.addEventListener(kind, this.chosen, true);
    this.update(component);
  }

  update(component) {
    // Another place is another visit: the server was started anew, or another one took over.
    if (component.data.place !== this.#component?.data.place) this.#tried = false;
    this.#component = component;
    if (component.data.wish === "forget") this.#forget();
    if (component.data.wish === "restore") this.#restore();
  }

  disconnect() {
    for (const kind of ["change", "drop"]) document.removeEventListener(kind, this.chosen, true);
    this.observer?.disconnect();
  }

  get #key() {
    return PREFIX + this.#component.data.role;
  }

  #forget() {
    this.#turn += 1;
    for (const role of [this.#component.data.role, ...this.#component.data.with_it]) {
      sessionStorage.removeItem(PREFIX + role);
    }
  }

  async #chosen(event) {
    const input = event.target.closest?.(`.st-key-${this.#component.data.place}`);
    if (!input || this.#restoring) return;
    const files = [...((event.type === "drop" ? event.dataTransfer?.files : event.target.files) ?? [])];
    if (!files.length) return;
    this.#tried = true;
    this.#forget();
    if (files.reduce((sum, file) => sum + file.size, 0) > MOST_BYTES) return;
    const turn = this.#turn;
    try {
      const kept = JSON.stringify(await Promise.all(files.map(packed)));
      if (turn === this.#turn) sessionStorage.setItem(this.#key, kept);
    } catch {
      // Too large for the tab's storage, or none is allowed: then the file is to be chosen again.
    }
  }

  async #restore() {
    if (this.#tried) return;
    this.#tried = true;
    try {
      const kept = sessionStorage.getItem(this.#key);
      if (kept === null) return;
      const files = await Promise.all(JSON.parse(kept).map(unpacked));
      const input = await this.#input();
      if (input.files.length) return;
      const transfer = new DataTransfer();
      for (const file of files) transfer.items.add(file);
      this.#restoring = true;
      input.files = transfer.files;
      input.dispatchEvent(new Event("change", { bubbles: true }));
    } catch {
      this.#forget();
    } finally {
      this.#restoring = false;
    }
  }

  // The uploader's own field, as soon as it is there.
  #input() {
    return new Promise((found) => {
      const look = () => {
        const input = document.querySelector(`.st-key-${this.#component.data.place} input[type=file]`);
        if (!input) return false;
        this.observer?.disconnect();
        found(input);
        return true;
      };
      if (look()) return;
      this.observer = new MutationObserver(look);
      this.observer.observe(document.body, { childList: true, subtree: true });
    });
  }
}

const shown = new WeakMap();

// Streamlit calls this again, over the same elements, when data change; and what it returned, at the very end.
export default function (component) {
  const root = component.parentElement;
  if (shown.has(root)) shown.get(root).update(component);
  else shown.set(root, new KeptFile(component));
  return () => {
    shown.get(root)?.disconnect();
    shown.delete(root);
  };
}
