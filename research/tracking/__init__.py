"""Weights & Biases: a mirror of the run folders, which remain the source of truth; it can be checked against them."""
