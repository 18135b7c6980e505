"""Do explanations show what drove the decision? (paper: explanations table)

Run: python experiments/explanations.py --run runs/fusions-mirex/concat-artist-fold0-seed0
     --tracks data/mirex_like/tracks.parquet --out runs/explanations-mirex
Explains the most likely mood of test songs by different artists. Deletion: how much further the probability falls when
what the map calls important is removed than when as much is removed at random. Randomisation: Spearman's correlation
with the map of the same network with shuffled weights.
Cost, estimated from CPU time on busy cores: 40 s a song with four published audio networks, 10 s for lyrics alone
(--sound-steps 0) or one small network. Expected, 24 songs each. Lyrics of mirex_like's concat (--sound-steps 0
--word-steps 8): gain +.076 [+.047, +.102], above 0 in 22 songs, likeness -.008 [-.064, +.027]. Audio of qaed4's
jamendo-mood-cnn: gain +.098 [+.060, +.153], above 0 in 22 songs, likeness +.025 [-.001, +.050].
"""

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import islice
from pathlib import Path

import numpy as np
import pandas as pd
import torch
from scipy.stats import bootstrap
from tqdm import tqdm

from research.atomic import replacing
from research.command import run_command
from research.explain import Explainer
from research.explain.checks import delete_sound, delete_words, likeness
from research.features.lyrics import clean_lyrics
from research.inference import MoodPredictor, Song, load_predictor
from research.models.classifier import ModelConfig
from research.tracks import TrackTable, read_tracks

GAIN, LIKENESS = "deletion gain", "likeness to random"
UNITS = {GAIN: "probability lost beyond chance", LIKENESS: "rank correlation"}


@dataclass(frozen=True, kw_only=True)
class Config:
    run: Path
    """Finished run of a fusion model."""
    tracks: Path
    """Track table of its corpus."""
    out: Path
    """Folder for explanations.csv, one row per song."""
    songs: int = 24
    """Number of songs to explain."""
    sound_steps: int = 4
    """See `Explainer.explain`; ranks of tiles need fewer than a page to look at. 0 leaves audio out."""
    word_steps: int = 12
    """0 leaves lyrics out."""
    seed: int = 0
    """Draws songs, random orders and shuffled weights."""


def chosen_rows(tracks: TrackTable, predictor: MoodPredictor, count: int, generator: np.random.Generator) -> list[int]:
    """Random test songs that have all modalities of the model, one per artist.

    Raises:
        ValueError: there are none.
    """
    frame = tracks.frame.assign(artist_key=tracks.artist_keys, row=range(len(tracks.frame)))
    tested = frame[frame["track_id"].isin(predictor.test_songs)].sample(frac=1, random_state=generator)
    rows = (row for row in tested.drop_duplicates("artist_key")["row"] if _is_whole(tracks, predictor.config, row))
    found = list(islice(rows, count))
    if not found:
        raise ValueError("no test song of the run has its sides in this track table; give the one it was trained on")
    return found


def check_song(
    explainer: Explainer, shuffled: Explainer, song: Song, labels: Sequence[str], config: Config, seed: int
) -> dict[str, str | float]:
    """Numbers of one song; none for a modality that is not explained."""
    generator, lyrics = np.random.default_rng(seed), clean_lyrics(song.lyrics or "")
    material = explainer.prepare(song.audio, lyrics)
    label = max(labels, key=lambda label: explainer.log_odds(material, label))
    steps = {"sound_steps": config.sound_steps, "word_steps": config.word_steps}
    found = explainer.explain(material, label, **steps)
    alike = likeness(found, shuffled.explain(material, label, **steps))
    numbers: dict[str, str | float] = {"label": label, "log_odds": found.log_odds}
    if found.sound is not None:
        gain = delete_sound(explainer, material, found, generator).gain
        added = float(found.sound.sum()) + sum(found.unplaced.values())
        numbers |= {f"{GAIN}, sound": gain, f"{LIKENESS}, sound": alike[0], "sound adds": added}
    if found.words:
        gain = delete_words(explainer, material, lyrics, found, generator).gain
        added = sum(word.weight for word in found.words)
        numbers |= {f"{GAIN}, words": gain, f"{LIKENESS}, words": alike[1], "words add": added}
    return numbers


def summary(table: pd.DataFrame, seed: int) -> list[str]:
    """Mean of each check with its 95 % bootstrap interval over songs (BCa, Efron 1987)."""
    lines = []
    for check in (column for column in table.columns if column.split(",")[0] in UNITS):
        values, unit = table[check].to_numpy(float), UNITS[check.split(",")[0]]
        limits = bootstrap((values,), np.mean, rng=np.random.default_rng(seed)).confidence_interval
        above = f"above 0 in {(values > 0).sum()} of {len(values)} songs"
        lines.append(f"{check}: {values.mean():+.3f} [{limits.low:+.3f}, {limits.high:+.3f}] {unit}; {above}")
    return lines


def main(config: Config) -> None:
    predictor, tracks = load_predictor(config.run), read_tracks(config.tracks)
    rows = chosen_rows(tracks, predictor, config.songs, np.random.default_rng(config.seed))
    explainer = Explainer(predictor)
    shuffled = explainer.randomised(torch.Generator().manual_seed(config.seed), encoders=True)
    config.out.mkdir(parents=True, exist_ok=True)
    found = []
    for row in tqdm(rows, unit="song", disable=None):
        song = Song(tracks.audio_path(row), tracks.lyrics_text(row))
        numbers = check_song(explainer, shuffled, song, predictor.labels, config, config.seed)
        found.append({"track_id": tracks.frame["track_id"].iloc[row], **numbers})
        table = pd.DataFrame(found)
        with replacing(config.out / "explanations.csv") as partial:  # what is done stays when it is stopped
            table.to_csv(partial, index=False)
    print("\n".join(summary(table, config.seed)))
    print(f"written: {config.out / 'explanations.csv'}")


def _is_whole(tracks: TrackTable, model: ModelConfig, row: int) -> bool:
    """Does a song have each modality of the model?"""
    heard = model.audio is None or tracks.audio_path(row) is not None
    return heard and (model.lyrics is None or bool(tracks.lyrics_text(row)))


if __name__ == "__main__":
    run_command(main, Config, __doc__)
