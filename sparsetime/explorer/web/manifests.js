// Manifests of views, lanes and panels, as the server wrote them into the page.

export const { views, lanes, panels } = JSON.parse(document.getElementById("manifests").textContent);
