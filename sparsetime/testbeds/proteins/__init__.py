"""Proteins with labels that follow from their residues, read out of a package that carries them."""
