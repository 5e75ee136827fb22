// Manifests of views, lanes and panels, as the server wrote them into the page.

/** @type {{views: ViewManifest[], lanes: LaneManifest[], panels: PanelManifest[], left_out: string[]}} */
const manifests = JSON.parse(document.getElementById("manifests")?.textContent ?? "{}");

/** `leftOut`: titles of panels that an export does not have. */
export const { views, lanes, panels, left_out: leftOut = [] } = manifests;
