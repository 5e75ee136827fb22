"""Views: a folder each, with its manifest, its routes and the module that draws it."""
