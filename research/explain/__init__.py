"""What drove a decision: parts of the spectrogram and words, by how much they moved the odds of a mood."""

from research.explain.explainer import Explainer, Explanation

__all__ = ["Explainer", "Explanation"]
