"""What drove a decision: how much parts of the spectrogram and words moved the odds of a mood."""

from research.explain.explainer import Explainer, Explanation

__all__ = ["Explainer", "Explanation"]
