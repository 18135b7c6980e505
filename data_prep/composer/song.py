"""One invented song: from its place in the corpus to its two files."""

import math
from dataclasses import asdict, dataclass, replace
from pathlib import Path

import numpy as np
import soundfile

from data_prep.composer.artists import NAMES, Artist, invent_artist
from data_prep.composer.cues import cues_at
from data_prep.composer.evidence import Point, blurred_point
from data_prep.composer.score import compose
from data_prep.composer.synthesis import Samples, render
from data_prep.composer.words import THINGS, write_lyrics
from research.atomic import replacing
from research.moods import MOODS

SAMPLE_RATE = 22_050
INSTRUMENTAL_EVERY = 20
"""Every twentieth song has no words, so that a missing side is met in practice."""


@dataclass(frozen=True, kw_only=True)
class Recipe:
    """All that decides the songs of a corpus: the same recipe gives the same bytes."""

    n_songs: int
    seed: int
    duration_s: float
    overlap: float

    def __post_init__(self) -> None:
        smallest = {"n_songs": 4, "seed": 0, "duration_s": 1.0, "overlap": 0.0}
        for name, value in asdict(self).items():
            if not smallest[name] <= value < math.inf:
                raise ValueError(f"{name}={value:g}: choose a finite number of at least {smallest[name]:g}")


@dataclass(frozen=True, kw_only=True)
class SongPlan:
    index: int
    artist: int
    mood: str

    @property
    def track_id(self) -> str:
        return f"synthetic-{self.index:05d}"

    @property
    def instrumental(self) -> bool:
        return self.index % INSTRUMENTAL_EVERY == INSTRUMENTAL_EVERY - 1

    @property
    def audio(self) -> str:
        return f"audio/{self.track_id}.flac"

    @property
    def lyrics(self) -> str | None:
        return None if self.instrumental else f"lyrics/{self.track_id}.txt"

    @property
    def title(self) -> str:
        """Without a mood word: nothing but sound and lyrics may tell the mood."""
        return f"{THINGS[self.index % len(THINGS)].title()} No. {self.index + 1}"


def plan_songs(recipe: Recipe) -> list[SongPlan]:
    """Who plays which mood: up to 24 artists in turn, with 2 songs each or more; moods balanced to within one."""
    generator = np.random.default_rng([recipe.seed, 0, 2])
    artists = [invent_artist(number, recipe.seed) for number in range(min(len(NAMES), recipe.n_songs // 2))]
    left = np.array([(recipe.n_songs + len(MOODS) - 1 - place) // len(MOODS) for place in range(len(MOODS))], float)
    plans = []
    for index in range(recipe.n_songs):
        number = index % len(artists)
        liking = left * list(artists[number].mood_weights.values())
        place = generator.choice(len(MOODS), p=liking / liking.sum())
        left[place] -= 1
        plans.append(SongPlan(index=index, artist=number, mood=MOODS[place]))
    return plans


def write_song(plan: SongPlan, recipe: Recipe, folder: Path) -> None:
    """Write a song's lyrics and audio, the audio last and in one step: where it exists the song is complete."""
    samples, lyrics = make_song(plan, recipe)
    if plan.lyrics is not None:
        (folder / plan.lyrics).write_bytes(lyrics.encode())
    pcm = np.round(samples * 32_767).astype(np.int16)
    with replacing(folder / plan.audio) as partial:
        soundfile.write(partial, pcm, SAMPLE_RATE, format="FLAC", subtype="PCM_16")


def make_song(plan: SongPlan, recipe: Recipe) -> tuple[Samples, str]:
    """Samples at `SAMPLE_RATE` and lyrics of one song; those of an instrumental are written and not used."""
    artist = invent_artist(plan.artist, recipe.seed)
    generator = np.random.default_rng([recipe.seed, plan.index])
    # Streams of their own: longer audio changes no word.
    for_points, for_audio, for_lyrics = generator.spawn(3)
    audio_point, lyrics_point = (
        blurred_point(plan.mood, side, recipe.overlap, for_points) for side in ("audio", "lyrics")
    )
    samples = _perform(audio_point, artist, recipe.duration_s, for_audio)
    return samples, write_lyrics(lyrics_point, artist.word_weights, artist.things, for_lyrics)


def _perform(point: Point, artist: Artist, duration_s: float, generator: np.random.Generator) -> Samples:
    cues = cues_at(point)
    cues = replace(cues, tempo_bpm=cues.tempo_bpm * artist.tempo_factor)
    score = compose(cues, int(generator.choice(artist.tonics)), duration_s, generator)
    return render(score, cues, artist.palette, SAMPLE_RATE, duration_s, generator)
