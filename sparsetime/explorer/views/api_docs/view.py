"""The description of the HTTP API, from its OpenAPI schema."""

from __future__ import annotations

from sparsetime.explorer.manifests import View

VIEW = View(
    title="API",
    path="/api/docs",
    order=80,
    navigation=False,
    needs_dictionary=False,
    exported=False,
    unfiltered="it describes the API",
)
