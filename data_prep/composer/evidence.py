"""How much each modality of a synthetic song reveals of its mood: audio and lyrics each show a blurred point."""

import numpy as np

from research.moods import MOODS, QUADRANTS

Point = tuple[float, float]
"""Valence and arousal, each -1 to +1 inside the square of the moods' extremes; a blurred point may lie outside."""

DEPTH = 0.7
"""A mood stands short of its extreme at 1, so that the blur can exaggerate a song as well as weaken it."""

SPREAD = {"audio": (0.65, 0.38), "lyrics": (0.30, 0.60)}
"""Standard deviation of (valence, arousal) at overlap 1: sound tells arousal better, words valence.

Source of the direction: Yang et al. 2008, "Toward multi-modal music emotion classification"; Delbouys et al. 2018,
"Music mood detection based on audio and lyrics with deep neural net" (arXiv:1809.07276). The sizes are chosen here.
"""


def blurred_point(mood: str, side: str, overlap: float, generator: np.random.Generator) -> Point:
    """Where one side ("audio" or "lyrics") of a song of `mood` places it; normal around the mood's own point.

    Args:
        overlap: factor on `SPREAD`; 0 makes every song a clear case.
    """
    noise = overlap * np.array(SPREAD[side]) * generator.standard_normal(2)
    valence, arousal = DEPTH * np.array(QUADRANTS[mood]) + noise
    return float(valence), float(arousal)


def quadrant_weights(point: Point) -> dict[str, float]:
    """Share of each mood's extreme at a point: bilinear between the corners of the square, summing to 1."""
    valence, arousal = (min(max(coordinate, -1.0), 1.0) for coordinate in point)
    return {
        mood: (1 + valence_sign * valence) * (1 + arousal_sign * arousal) / 4
        for mood, (valence_sign, arousal_sign) in ((mood, QUADRANTS[mood]) for mood in MOODS)
    }
