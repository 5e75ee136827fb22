"""Digits of scikit-learn: 1,797 images of 8 x 8 for small networks that are trained in seconds."""
