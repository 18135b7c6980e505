"""Weights & Biases: a mirror of the run folders, which stay the source; it can be checked against them."""
