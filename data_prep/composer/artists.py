"""Synthetic artists: each has instruments, keys, a tempo, favourite words and an uneven mix of moods."""

from dataclasses import dataclass

import numpy as np

from data_prep.composer.synthesis import FAMILIES, Palette
from data_prep.composer.words import THINGS, VOCABULARY
from research.moods import MOODS

NAMES = (
    "Marrow Lanterns",
    "The Tin Parallels",
    "Odette Quillfeather",
    "Nine Wet Ladders",
    "Harbour Arithmetic",
    "Velvet Pylon",
    "Ilse Vandermoor",
    "The Borrowed Kettles",
    "Cinder Almanac",
    "Paper Gondola",
    "Tobias Wrenlock",
    "The Slow Semaphores",
    "Copper Umbrella Club",
    "Junipero Static",
    "Mira Oddsdottir",
    "The Folding Mountains",
    "Plum Telegraph",
    "Saltbox Choirboys",
    "Anselm Pockets",
    "The Ninth Escalator",
    "Wicker Satellite",
    "Lorna Brightwell-Ashe",
    "Quartz Pigeons",
    "The Unposted Letters",
)


@dataclass(frozen=True)
class Artist:
    name: str
    palette: Palette
    tonics: tuple[int, ...]
    """Pitch classes of the keys this artist plays in."""
    tempo_factor: float
    mood_weights: dict[str, float]
    """How much the artist leans to each mood; sums to 1."""
    word_weights: dict[str, float]
    things: tuple[str, ...]


def invent_artist(number: int, seed: int) -> Artist:
    """Artist `number` (0 to 23) of the corpus made from `seed`."""
    # The closing 1 keeps this stream apart from the songs' [seed, index]: a missing last word would count as 0.
    generator = np.random.default_rng([seed, number, 1])
    words = [word for parts in VOCABULARY.values() for choices in parts.values() for word in choices]
    return Artist(
        name=NAMES[number],
        palette=_palette(generator),
        tonics=tuple(int(tonic) for tonic in generator.choice(12, size=3, replace=False)),
        tempo_factor=float(generator.uniform(0.92, 1.08)),
        mood_weights=dict(zip(MOODS, generator.dirichlet(np.full(4, 2.0)).tolist(), strict=True)),
        word_weights=dict(zip(words, generator.gamma(1.0, size=len(words)).tolist(), strict=True)),
        things=tuple(generator.choice(THINGS, size=4, replace=False).tolist()),
    )


def _palette(generator: np.random.Generator) -> Palette:
    families = generator.choice(list(FAMILIES), size=3).tolist()
    return Palette(
        family=dict(zip(("melody", "chords", "bass"), families, strict=True)),
        decay_per_s=float(generator.uniform(0, 3)),
        room_s=float(generator.uniform(0.05, 0.3)),
        wet=float(generator.uniform(0.1, 0.4)),
        brightness_offset=float(generator.uniform(-0.1, 0.1)),
        level_offset_db=float(generator.uniform(-1.5, 1.5)),
        drum_pitch=float(generator.uniform(0.8, 1.25)),
    )
