// The time axis below the rows of a chart.

const BETWEEN = 110; // least pixels between two ticks

/**
 * @param {import("./timeline_canvas.js").TimelineCanvas} chart
 * @param {number} floor the axis's upper edge
 */
export function drawAxis(chart, floor) {
  const { pen, timeline } = chart;
  const { from, to } = timeline.view;
  const { origin = 0 } = timeline.text;
  const stride = tickStride(BETWEEN / chart.pitch);
  pen.font = `11px ${chart.font}`;
  pen.fillStyle = chart.hues.faint;
  pen.textAlign = "left";
  for (let step = Math.ceil(from / stride) * stride; step < to; step += stride) {
    const x = chart.x(step);
    pen.fillRect(Math.round(x), floor, 1, 4);
    if (x < chart.across - 40)
      pen.fillText((step + origin).toLocaleString("en"), x + 4, floor + 14);
  }
  pen.fillText(`${timeline.unit}s`, 48, floor + 14);
  pen.textAlign = "right";
  pen.fillText("dwell", chart.gutter - 12, floor + 14);
  pen.textAlign = "left";
}

/**
 * Steps between two ticks of the axis: 1, 2 or 5 times a power of ten, and at least `least`.
 * @param {number} least
 */
export function tickStride(least) {
  const power = 10 ** Math.floor(Math.log10(Math.max(1, least)));
  return [1, 2, 5, 10].map((factor) => factor * power).find((stride) => stride >= least) ?? power;
}
