// The timeline of one sequence, opened at the address.

import { Timeline } from "../../web/timeline.js";
import { watch } from "../../web/timeline_layout.js";

/**
 * @param {HTMLElement} at
 * @param {Api.Overview} run
 */
export default async function timelineView(at, run) {
  const timeline = new Timeline(at, run);
  await timeline.open();
  return watch(timeline);
}
