// A canvas that is as sharp as the screen.

const FONT = 14; // px

// The context of a canvas of the size it is shown at, cleared, with one unit a CSS pixel.
function prepare(canvas, font) {
  const { width, height } = canvas.getBoundingClientRect(); // Not whole pixels, everywhere.
  const ratio = Math.min(3, devicePixelRatio);
  [canvas.width, canvas.height] = [Math.round(width * ratio), Math.round(height * ratio)];
  const context = canvas.getContext("2d");
  context.setTransform(canvas.width / width, 0, 0, canvas.height / height, 0, 0);
  context.font = `${FONT}px ${font}`;
  return context;
}
