// A button that shows a figure alone, on the whole screen.

function addWholeScreen(root) {
  if (!document.fullscreenEnabled) return; // In some frames, and on some phones.
  const button = document.createElement("button");
  Object.assign(button, { type: "button", className: "whole", title: "Whole screen" });
  button.setAttribute("aria-label", "Whole screen");
  button.innerHTML = '<svg viewBox="0 0 14 14" aria-hidden="true"><path d="M1 5V1h4M9 1h4v4M13 9v4H9M5 13H1V9"/></svg>';
  button.addEventListener("click", () => {
    if (document.fullscreenElement) document.exitFullscreen();
    else root.requestFullscreen();
  });
  root.append(button);
}
