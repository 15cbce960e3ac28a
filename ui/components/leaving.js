// A page that is left by a link is one step back in the browser's history, with its parameters. Streamlit makes up to
// four: the page without them, or with those that the next one has too, then that, and that with what it adds.

let left = null; // How far a click on a link has come: "clicked", "emptied", "arrived".

function keepOneStep() {
  if (history.pushState.keepsOneStep) return;
  const push = history.pushState;
  history.pushState = function (state, title, url) {
    const isSamePage = new URL(url ?? "", location.href).pathname === location.pathname;
    const replaces = left === "emptied" || (left === "arrived" && isSamePage);
    if (left !== null) left = isSamePage && left === "clicked" ? "emptied" : isSamePage ? left : "arrived";
    return (replaces ? history.replaceState : push).call(history, state, title, url);
  };
  history.pushState.keepsOneStep = true;
  const forget = () => (left = null);
  for (const type of ["pointerdown", "keydown", "popstate"]) addEventListener(type, forget, { capture: true });
  addEventListener("click", (event) => {
    const link = event.target.closest?.(".stPageLink a");
    if (link && isPlain(event) && new URL(link.href).pathname !== location.pathname) left = "clicked";
  }, { capture: true });
}
