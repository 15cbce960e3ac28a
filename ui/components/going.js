// Opens a link of this dashboard as the browser's back and forward do: the page's controls take what is in the link,
// and the visit goes on. Streamlit listens for it.

function go(href, { replace = false } = {}) {
  const url = new URL(href, location.href);
  if (url.href === location.href) return;
  history[replace ? "replaceState" : "pushState"]({}, "", url);
  dispatchEvent(new PopStateEvent("popstate"));
}

// A click that means "here", not "in another tab".
const isPlain = (event) => !(event.ctrlKey || event.metaKey || event.shiftKey || event.button !== 0);
