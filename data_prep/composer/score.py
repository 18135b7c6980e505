"""From cues to notes: a chord loop, a melody that walks over it, a bass and drums."""

import math
from dataclasses import dataclass

import numpy as np

from data_prep.composer.cues import Cues

SCALES = (
    (0, 1, 3, 5, 7, 8, 10),
    (0, 2, 3, 5, 7, 8, 10),
    (0, 2, 3, 5, 7, 9, 10),
    (0, 2, 4, 5, 7, 9, 10),
    (0, 2, 4, 5, 7, 9, 11),
)
"""Semitones of the phrygian, aeolian, dorian, mixolydian and ionian scales, from least to most happy.

Source of the order: Temperley & Tan 2013, "Emotional connotations of diatonic modes".
"""

LOOPS = ((0, 3, 4, 0), (0, 5, 3, 4), (0, 4, 5, 3), (0, 3, 0, 4), (0, 5, 1, 4))
"""Chord roots of four bars as scale degrees counted from 0."""

CLASHES = (1, 6)
"""Semitones above the root that make a chord harsh: minor second, tritone."""

BEATS_A_BAR = 4


@dataclass(frozen=True)
class Note:
    voice: str
    start_s: float
    length_s: float
    midi: int
    velocity: float


@dataclass(frozen=True)
class Hit:
    drum: str
    start_s: float
    velocity: float


@dataclass(frozen=True)
class Score:
    notes: list[Note]
    hits: list[Hit]


def compose(cues: Cues, tonic: int, duration_s: float, generator: np.random.Generator) -> Score:
    """Notes and drum hits of one song, all starting before `duration_s`.

    Args:
        tonic: pitch class of the key, 0 = C to 11 = B.
    """
    scale = SCALES[round(cues.major * (len(SCALES) - 1))]
    bar_s = BEATS_A_BAR * 60 / cues.tempo_bpm
    n_bars = math.ceil(duration_s / bar_s)
    loop = LOOPS[generator.integers(len(LOOPS))]
    roots = [loop[bar % len(loop)] for bar in range(n_bars)]
    notes = _melody(cues, scale, tonic, roots, generator)
    for bar, root in enumerate(roots):
        notes += _chord(cues, scale, tonic, root, bar * bar_s, bar_s, generator)
        notes += _bass(cues, scale, tonic, root, bar * bar_s, bar_s)
    hits = [hit for bar in range(n_bars) for hit in _drums(cues, bar * bar_s, bar_s, generator)]
    return Score(
        [note for note in notes if note.start_s < duration_s], [hit for hit in hits if hit.start_s < duration_s]
    )


def pitch(scale: tuple[int, ...], tonic: int, degree: int, around_midi: float) -> int:
    """MIDI number of a scale degree (0 = tonic, 7 = an octave up), counted from the tonic nearest to `around_midi`."""
    home = tonic + 12 * round((around_midi - tonic) / 12)
    octave, step = divmod(degree, len(scale))
    return home + 12 * octave + scale[step]


def _melody(
    cues: Cues, scale: tuple[int, ...], tonic: int, roots: list[int], generator: np.random.Generator
) -> list[Note]:
    eighth_s = 30 / cues.tempo_bpm
    slots = 2 * BEATS_A_BAR * len(roots)
    played = generator.random(slots) < cues.density / 2
    played[:: 2 * BEATS_A_BAR] = True  # a bar opens with a note, so that the chord change is heard
    late = cues.irregularity * eighth_s / 2 * generator.uniform(0, 1, slots)
    onsets = np.flatnonzero(played)
    ends = np.append(onsets[1:], slots)
    degree, notes = 0, []
    for slot, end in zip(onsets, ends, strict=True):
        step = round(generator.normal(cues.contour, cues.leap_degrees))
        # An octave above or below is the end of the voice: the melody turns round there.
        degree = degree + step if abs(degree + step) <= 7 else -degree // 2
        if slot % (2 * BEATS_A_BAR) == 0:
            degree = roots[slot // (2 * BEATS_A_BAR)] + 2 * int(generator.integers(3)) - 3
        length_s = max((end - slot) * eighth_s * cues.articulation, 0.05)
        midi = pitch(scale, tonic, degree, cues.register_midi)
        notes.append(Note("melody", slot * eighth_s + late[slot], length_s, midi, generator.uniform(0.75, 1)))
    return notes


def _chord(
    cues: Cues,
    scale: tuple[int, ...],
    tonic: int,
    root: int,
    start_s: float,
    bar_s: float,
    generator: np.random.Generator,
) -> list[Note]:
    pitches = [pitch(scale, tonic, root + third, cues.register_midi - 12) for third in (0, 2, 4)]
    if generator.random() < cues.dissonance:
        pitches.append(pitches[0] + int(generator.choice(CLASHES)))
    # Held for a bar when calm, struck on every beat when excited.
    strokes = {1: 1, 2: 2, 3: 4, 4: 4}[round(2 * cues.density)]
    length_s = bar_s / strokes * cues.articulation
    return [
        Note("chords", start_s + stroke * bar_s / strokes, length_s, midi, 0.45)
        for stroke in range(strokes)
        for midi in pitches
    ]


def _bass(cues: Cues, scale: tuple[int, ...], tonic: int, root: int, start_s: float, bar_s: float) -> list[Note]:
    strokes = 8 if cues.density > 1.5 else 2
    midi, length_s = pitch(scale, tonic, root, 38), bar_s / strokes * cues.articulation
    return [Note("bass", start_s + stroke * bar_s / strokes, length_s, midi, 0.7) for stroke in range(strokes)]


def _drums(cues: Cues, start_s: float, bar_s: float, generator: np.random.Generator) -> list[Hit]:
    eighth_s = bar_s / 8
    pattern = [("kick", 0), ("snare", 2), ("kick", 4), ("snare", 6)] + [("hat", slot) for slot in range(8)]
    # Complex rhythm: kicks off the beat.
    pattern += [("kick", slot) for slot in (1, 3, 5, 7) if generator.random() < cues.irregularity * cues.drums]
    return [
        Hit(drum, start_s + slot * eighth_s, cues.drums * generator.uniform(0.8, 1))
        for drum, slot in pattern
        if cues.drums > 0.1 and (drum != "hat" or generator.random() < cues.drums)
    ]
