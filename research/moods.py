"""Label spaces: the four moods in Russell's plane, the slides' three, and the clusters of MIREX."""

from collections.abc import Mapping

MOODS = ("happy", "angry", "sad", "relaxed")
"""The slides' four moods, one per quadrant of Russell's valence-arousal plane."""

SLIDES_THREE = ("angry", "happy", "sad")
"""Classes of the slides' second model, in their order."""

MIREX_CLUSTERS = ("passionate", "cheerful", "poignant", "humorous", "aggressive")
"""First-named trait of each MIREX mood cluster 1-5. Source: Hu & Downie, ISMIR 2007."""

QUADRANTS = {"happy": (1, 1), "angry": (-1, 1), "sad": (-1, -1), "relaxed": (1, -1)}
"""Signs of (valence, arousal) in each mood's quadrant. Source: Russell 1980."""

NUMBERED_QUADRANTS = {"Q1": "happy", "Q2": "angry", "Q3": "sad", "Q4": "relaxed"}
"""The quadrants as published sets number them, anticlockwise from pleasant and excited."""

COLOURS = ("#f2b134", "#d1495b", "#2e6f95", "#66a182", "#8d6a9f", "#7f7f7f")
"""Colours of a model's labels, in their order, in all figures; distinguishable in print by lightness."""


def quadrant(valence: float, arousal: float) -> str:
    """Russell quadrant of a point in the valence-arousal plane.

    Args:
        valence: unpleasant -1 to +1 pleasant.
        arousal: calm -1 to +1 excited.

    Returns:
        "happy" (+, +), "angry" (-, +), "sad" (-, -) or "relaxed" (+, -); zero counts as positive.

    Raises:
        ValueError: a coordinate lies outside [-1, 1].

    Source: Russell 1980, "A circumplex model of affect".
    """
    for name, value in (("valence", valence), ("arousal", arousal)):
        if not -1 <= value <= 1:
            raise ValueError(f"{name}={value:g} is outside [-1, 1]; rescale it in its data_prep/corpora file")
    signs = (1 if valence >= 0 else -1, 1 if arousal >= 0 else -1)
    return next(mood for mood, quadrant_signs in QUADRANTS.items() if quadrant_signs == signs)


def plane_position(shares: Mapping[str, float]) -> tuple[float, float] | None:
    """Valence and arousal, -1 to 1, of a song whose mood is uncertain: the quadrants' corners weighted by its shares.

    Args:
        shares: probability of each mood.

    Returns:
        None if there is no mood, or one that has no quadrant.
    """
    if not shares or not set(shares) <= set(QUADRANTS):
        return None
    valence, arousal = (sum(share * QUADRANTS[mood][axis] for mood, share in shares.items()) for axis in (0, 1))
    return valence, arousal
