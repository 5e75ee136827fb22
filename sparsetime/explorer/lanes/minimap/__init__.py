"""The whole sequence in a strip: change points, pinned rows, the part in view."""
