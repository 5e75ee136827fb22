// Manifests of views, lanes and panels, as the server wrote them into the page.

/** @type {{views: ViewManifest[], lanes: LaneManifest[], panels: PanelManifest[]}} */
const manifests = JSON.parse(document.getElementById("manifests")?.textContent ?? "{}");

export const { views, lanes, panels } = manifests;
