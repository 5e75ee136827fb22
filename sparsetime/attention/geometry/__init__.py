"""Geometries: keys that are read by position; one kind a file."""

from sparsetime.attention.geometry.geometry import Geometry

__all__ = ["Geometry"]
