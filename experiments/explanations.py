"""Do explanations tell what drove the decision? (paper: explanations table)

Run: python experiments/explanations.py --run runs/fusions-mirex/concat-artist-fold0-seed0
     --tracks data/mirex_like/tracks.parquet --out runs/explanations-mirex
Of test songs by different artists, the most likely mood is explained. Deletion: how much faster the probability falls
without what the map calls important than without as much at random. Randomisation: Spearman's correlation with the map
of the same network, its weights shuffled.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd
import torch
from scipy.stats import bootstrap
from tqdm import tqdm

from research.command import run_command
from research.explain import Explainer, Explanation
from research.explain.checks import delete_sound, delete_words, likeness
from research.features.lyrics import clean_lyrics
from research.inference import MoodPredictor, load_predictor
from research.tracks import TrackTable, read_tracks

CHECKS = {
    "deletion gain, sound": "probability lost beyond chance",
    "deletion gain, words": "probability lost beyond chance",
    "likeness to random, sound": "rank correlation",
    "likeness to random, words": "rank correlation",
}


@dataclass(frozen=True, kw_only=True)
class Config:
    run: Path
    """Finished run of a fusion model."""
    tracks: Path
    """Track table of its corpus."""
    out: Path
    """Folder of explanations.csv, a row a song."""
    songs: int = 24
    """How many to explain."""
    sound_steps: int = 4
    """See `Explainer.explain`; ranks of tiles need fewer than a page to look at."""
    word_steps: int = 12
    seed: int = 0
    """Draws songs, random orders and shuffled weights."""


def chosen_rows(tracks: TrackTable, tested: list[str], count: int, generator: np.random.Generator) -> list[int]:
    """Test songs with sound and words, one an artist, at random.

    Raises:
        ValueError: there are none.
    """
    frame = tracks.frame.assign(artist_key=tracks.artist_keys, row=range(len(tracks.frame)))
    frame = frame[frame["track_id"].isin(tested)].sample(frac=1, random_state=generator).drop_duplicates("artist_key")
    rows = (row for row in frame["row"] if tracks.audio_path(row) is not None and tracks.lyrics_text(row))
    found = [row for row, _ in zip(rows, range(count), strict=False)]
    if not found:
        raise ValueError("no test song of the run has both sides in this track table; give the table it was trained on")
    return found


def check_songs(predictor: MoodPredictor, tracks: TrackTable, rows: list[int], config: Config) -> Iterator[dict]:
    """A row of numbers a song."""
    explainer, generator = Explainer(predictor), np.random.default_rng(config.seed)
    shuffled = explainer.randomised(torch.Generator().manual_seed(config.seed), encoders=True)
    steps = {"sound_steps": config.sound_steps, "word_steps": config.word_steps}
    for row in tqdm(rows, unit="song", disable=None):
        lyrics = clean_lyrics(tracks.lyrics_text(row))
        material = explainer.prepare(tracks.audio_path(row), lyrics)
        odds = {label: explainer.log_odds(material, label) for label in predictor.labels}
        label = max(odds, key=odds.__getitem__)
        found: Explanation = explainer.explain(material, label, **steps)
        by_sound = delete_sound(explainer, material, found, generator)
        by_words = delete_words(explainer, material, lyrics, found, generator)
        like = likeness(found, shuffled.explain(material, label, **steps))
        numbers = (by_sound.gain, by_words.gain, *like)
        yield {
            "track_id": tracks.frame["track_id"].iloc[row],
            "label": label,
            "log_odds": found.log_odds,
            **dict(zip(CHECKS, numbers, strict=True)),
            "sound adds": float(found.sound.sum()) + sum(found.unplaced.values()),
            "words add": sum(word.weight for word in found.words),
        }


def summary(table: pd.DataFrame, seed: int) -> list[str]:
    """Mean of each check with its 95 % bootstrap interval over songs (BCa, Efron 1987)."""
    lines = []
    for check, unit in CHECKS.items():
        values = table[check].to_numpy(float)
        limits = bootstrap((values,), np.mean, rng=np.random.default_rng(seed)).confidence_interval
        right = f"; above 0 in {(values > 0).sum()} of {len(values)} songs"
        lines.append(f"{check}: {values.mean():+.3f} [{limits.low:+.3f}, {limits.high:+.3f}] {unit}{right}")
    return lines


def main(config: Config) -> None:
    predictor, tracks = load_predictor(config.run), read_tracks(config.tracks)
    rows = chosen_rows(tracks, predictor.test_songs, config.songs, np.random.default_rng(config.seed))
    config.out.mkdir(parents=True, exist_ok=True)
    table = pd.DataFrame()
    for found in check_songs(predictor, tracks, rows, config):
        table = pd.concat([table, pd.DataFrame([found])], ignore_index=True)
        table.to_csv(config.out / "explanations.csv", index=False)  # what is done stays when it is stopped
    print("\n".join(summary(table, config.seed)))
    print(f"written: {config.out / 'explanations.csv'}")


if __name__ == "__main__":
    run_command(main, Config, __doc__)
