"""Are songs of the same mood neighbours in a model's embedding space? (paper: map of songs)

Run: python experiments/song_map.py runs/fusions-mirex/{audio,lyrics,concat}-artist-fold0-seed0
     --tracks data/mirex_like/tracks.parquet
For each run, the embeddings of its test songs before the last layer: a t-SNE map, and the share of each song's ten
nearest neighbours by other artists that have its mood. All runs must have the same split, so that all panels show the
same songs.
Cost: 16 s on one core. Expected on mirex_like, fold 0, seed 0: concat .332 [.292, .380], audio .315 [.275, .361],
lyrics .255 [.227, .287], by chance .196.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
import tyro
from jaxtyping import Float

from research.command import run_command
from research.data.dataset import SongDataset
from research.data.songs import Songs
from research.evaluation.neighbours import artist_mean, neighbour_agreement
from research.inference import MoodPredictor, load_predictor
from research.models.fusion import head_inputs
from research.reports.figures.songs import song_map, song_places
from research.reports.figures.style import save_figure
from research.reports.formats import share
from research.tracks import read_tracks
from research.trials import load_corpus

BATCH = 64


@dataclass(frozen=True, kw_only=True)
class Config:
    runs: tyro.conf.Positional[tuple[Path, ...]]
    """Finished runs of one corpus and split, a panel each."""
    tracks: Path
    """Track table of their corpus."""
    out: Path = Path("reports/song_map")
    """Folder of song_map.pdf and .png."""
    neighbours: int = 10
    """Of each song that are looked at."""
    seed: int = 0
    """Of t-SNE and the intervals."""


@torch.inference_mode()
def fused_vectors(predictor: MoodPredictor, songs: Songs, rows: np.ndarray) -> Float[np.ndarray, "songs dim"]:
    """What the model's last layer reads of each song, in the order of `rows`."""
    sides = {"read_audio": predictor.config.audio is not None, "read_lyrics": predictor.config.lyrics is not None}
    order = []
    with head_inputs(predictor.model.join) as found:
        for batch in SongDataset(songs, rows, **sides).loader(BATCH):
            songs_heard = batch.to("cpu")
            predictor.model(songs_heard)
            order.append(songs_heard.track_index.numpy())
    at = {row: place for place, row in enumerate(np.concatenate(order).tolist())}
    return torch.cat(found).numpy()[[at[row] for row in rows.tolist()]]


def same_songs(predictors: Sequence[MoodPredictor]) -> list[str]:
    """Test songs of all runs.

    Raises:
        ValueError: they differ, or a run knows no moods.
    """
    first = predictors[0]
    for one in predictors:
        if not one.labels:
            raise ValueError(f"{one.run.path} learned tags alone; give runs of moods")
        if set(one.test_songs) != set(first.test_songs):
            raise ValueError(f"{one.run.path} tested other songs than {first.run.path}; give runs of one fold")
    return first.test_songs


def main(config: Config) -> None:
    if not config.runs:
        raise ValueError("no run given; name at least one, such as runs/fusion/audio-artist-fold0-seed0")
    predictors, tracks = [load_predictor(run) for run in config.runs], read_tracks(config.tracks)
    tested = tracks.frame["track_id"].isin(same_songs(predictors)) & tracks.frame["mood"].isin(predictors[0].labels)
    rows = np.flatnonzero(tested)
    artists = [tracks.artist_keys[row] for row in rows]
    panels, moods = {}, None
    for predictor in predictors:
        songs = load_corpus(config.tracks, predictor.inputs, predictor.config)
        moods = songs.targets[rows]
        vectors = fused_vectors(predictor, songs, rows)
        agreement, chance = neighbour_agreement(vectors, moods, artists, config.neighbours)
        found = artist_mean(agreement, artists, np.random.default_rng(config.seed))
        name = predictor.run.config["name"]
        print(
            f"{name}: {share(found.estimate)} [{share(found.low)}, {share(found.high)}] of the {config.neighbours} "
            f"nearest songs by other artists have a song's mood; {share(chance.mean())} of all of them do"
        )
        panels[f"{name}, {share(found.estimate)} of neighbours"] = song_places(vectors, config.seed)
    save_figure(song_map(panels, moods, predictors[0].labels), config.out, "song_map")
    print(f"written: {config.out / 'song_map.pdf'}, .png")


if __name__ == "__main__":
    run_command(main, Config, __doc__)
