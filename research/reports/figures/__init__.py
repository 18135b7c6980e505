"""Figures of a paper: one file per kind, each from scores to a matplotlib figure; `style` gives them one look."""
