// A timeline of `steps` by `rows`, panned, zoomed and scrolled: every row is active on a tenth of the steps.
async ([steps, rows]) => {
  const { TimelineCanvas } = await import("/web/timeline_canvas.js"),
    { default: words } = await import("/lanes/token_labels/lane.js");
  const canvas = document.createElement("canvas");
  canvas.className = "timeline";
  canvas.style.height = "900px";
  document.body.replaceChildren(canvas);
  const timeline = {
    view: { from: 0, to: steps },
    state: { sort: "timescale", group: "" },
    unit: "step",
    run: { unit: "step" },
    boundaries: new Map(),
    labels: [],
    cursor: null,
    selection: null,
    text: {},
    inputLane: words,
    lanes: [words],
    input: { kind: "text" },
    pinsOf: () => new Set(),
  };
  const made = [...Array(rows).keys()].map((feature) => {
    const columns = [],
      strengths = [];
    for (let at = (feature * 37) % 60; at < steps; at += 60)
      for (let i = 0; i < 6 && at + i < steps; i += 1) {
        columns.push(at + i);
        strengths.push(1 + ((feature * 7 + i * 31) % 100));
      }
    return {
      feature,
      part: feature % 5 ? "rest" : "first",
      words: [`word${feature}`],
      label: "",
      dwell: 1 + (feature % 9),
      density: 0.1,
      energy: 1,
      place: feature,
      group: 0,
      columns,
      strengths,
    };
  });
  const chart = new TimelineCanvas(timeline, "made", canvas, 96, true);
  chart.take({ first: 0, stop: steps, length: steps, stride: 1, rows: made });
  await new Promise((done) => setTimeout(done, 300));
  const times = [];
  for (let frame = 0; frame < 240; frame += 1) {
    await new Promise((done) => requestAnimationFrame(done));
    const wide = steps * (0.52 + 0.48 * Math.cos(frame / 24)),
      begin = (steps - wide) * (0.5 + 0.5 * Math.sin(frame / 17));
    timeline.view = { from: begin, to: begin + wide };
    chart.scroll = (rows - chart.visible) * (0.5 + 0.5 * Math.sin(frame / 40));
    const began = performance.now();
    chart.draw();
    canvas.getContext("2d").getImageData(0, 0, 1, 1); // so that what was asked for is painted
    times.push({ at: began, took: performance.now() - began });
  }
  const sorted = times.map((t) => t.took).sort((a, b) => a - b);
  return {
    frames_a_second: (times.length - 1) / ((times.at(-1).at - times[0].at) / 1000),
    draw_median_ms: sorted[120],
    draw_p95_ms: sorted[228],
    visible_rows: chart.visible,
  };
};
