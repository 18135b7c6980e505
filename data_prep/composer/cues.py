"""What a mood sounds like: the musical cues of the literature as numbers, blended at any point of the mood plane.

Sources of the directions (fast or slow, major or minor, ...): Juslin & Laukka 2004, "Expression, perception, and
induction of musical emotions", J. New Music Research 33(3), whose tenderness stands for our "relaxed"; Gabrielsson &
Lindström 2010, "The role of structure in the musical expression of emotions". The sizes are chosen here by measuring.
"""

from dataclasses import dataclass

from data_prep.composer.evidence import Point, quadrant_weights
from research.moods import MOODS


@dataclass(frozen=True, kw_only=True)
class Cues:
    """How one song is to be played."""

    tempo_bpm: float
    major: float
    """0 darkest scale to 1 brightest."""
    register_midi: float
    """Middle of the melody, MIDI note number."""
    loudness_db: float
    """Root mean square level below full scale."""
    brightness: float
    """0 dull to 1 sharp: how slowly the partials fall off."""
    roughness: float
    """0 clean to 1 distorted and noisy."""
    articulation: float
    """Sounded share of a note's time: 0.5 staccato, 1 legato."""
    attack_s: float
    density: float
    """Melody notes a beat, at most 2."""
    irregularity: float
    """0 on the grid to 1 half an eighth off it."""
    dissonance: float
    """Probability that a chord carries a clashing note."""
    leap_degrees: float
    """Typical melodic interval in scale degrees."""
    contour: float
    """Scale degrees a note by which the melody climbs (+) or sinks (-)."""
    drums: float
    """0 none to 1 loud."""


assert MOODS == ("happy", "angry", "sad", "relaxed"), "the columns below are in this order"
TABLE = {
    "tempo_bpm": (148, 160, 62, 78),  # fast, fast; slow, slow
    "major": (1.0, 0.1, 0.0, 0.9),  # major, minor; minor, major
    "register_midi": (78, 69, 60, 69),  # high, spread; low, low to middle
    "loudness_db": (-16, -10, -26, -23),  # medium to high, high; low, medium to low
    "brightness": (0.65, 1.0, 0.0, 0.4),  # bright, sharp; dull, soft
    "roughness": (0.0, 1.0, 0.0, 0.0),  # spectral noise in anger
    "articulation": (0.5, 0.6, 1.0, 0.95),  # staccato, staccato; legato, legato
    "attack_s": (0.01, 0.003, 0.10, 0.05),  # fast, fast; slow, slow
    "density": (1.6, 2.0, 0.6, 1.1),  # many notes go with high arousal
    "irregularity": (0.05, 0.5, 0.7, 0.1),  # smooth, complex; rubato, regular
    "dissonance": (0.0, 1.0, 0.5, 0.0),  # consonant, atonal; dissonant, consonant
    "leap_degrees": (2.2, 2.8, 0.8, 1.4),  # wide range, augmented intervals; small intervals, narrow
    "contour": (0.5, 0.3, -0.6, 0.0),  # ascending, ascending; descending, level
    "drums": (0.75, 1.0, 0.0, 0.2),  # accents grow with energy
}
"""Cue -> its size at the extreme of each mood, in the order of `MOODS`."""


def cues_at(point: Point) -> Cues:
    """Cues of a song placed at `point`: the mean of the four extremes, weighted by nearness."""
    weights = quadrant_weights(point)
    return Cues(
        **{
            name: sum(weights[mood] * size for mood, size in zip(MOODS, row, strict=True))
            for name, row in TABLE.items()
        }
    )
