// The timeline of one sequence, opened at the address.

import { Timeline, watch } from "../../web/timeline.js";

export default async function timelineView(at, run) {
  const timeline = new Timeline(at, run);
  await timeline.open();
  return watch(timeline);
}
