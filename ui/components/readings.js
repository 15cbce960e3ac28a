// The pictures that were read last, the newest first; each opens as it was, by its link.

const drawn = new WeakMap();

function item({ href, picture, name, accepted, title, is_shown }) {
  const [li, link, image] = ["li", "a", "img"].map((tag) => document.createElement(tag));
  const [label, share] = ["b", "span"].map((tag) => document.createElement(tag));
  Object.assign(link, { href, title });
  link.setAttribute("aria-label", title);
  if (is_shown) link.setAttribute("aria-current", "true");
  Object.assign(image, { src: picture, alt: "" });
  [label.textContent, share.textContent] = [name, accepted];
  link.append(image, label, share);
  link.addEventListener("click", (event) => {
    if (!isPlain(event)) return;
    event.preventDefault();
    go(href);
  });
  li.append(link);
  return li;
}

// Streamlit calls this again, over the same elements, when data or theme change.
export default function ({ parentElement, data }) {
  const root = parentElement.querySelector(".readings");
  const said = JSON.stringify(data.readings);
  if (drawn.get(root) === said) return;
  drawn.set(root, said);
  root.querySelector("ol").replaceChildren(...data.readings.map(item));
}
