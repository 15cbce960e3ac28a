// A canvas that is as sharp as the screen, and whose text, lines and markers grow with the page's text.

const FONT = 14; // units

// What a unit of a canvas is in CSS pixels: one where the page's text is of the usual size.
const unit = () => parseFloat(getComputedStyle(document.documentElement).fontSize) / 16;

// The context of a canvas of the size it is shown at, cleared, in units.
function prepare(canvas, font) {
  const { width, height } = canvas.getBoundingClientRect(); // Not whole pixels, everywhere.
  const ratio = Math.min(3, devicePixelRatio);
  [canvas.width, canvas.height] = [Math.round(width * ratio), Math.round(height * ratio)];
  const context = canvas.getContext("2d");
  context.setTransform((canvas.width / width) * unit(), 0, 0, (canvas.height / height) * unit(), 0, 0);
  context.font = `${FONT}px ${font}`;
  return context;
}
