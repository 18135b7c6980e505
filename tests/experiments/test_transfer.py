"""Transfer: a model of another corpus answers for the songs of this one."""

import shutil
from dataclasses import replace
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from sklearn.linear_model import LogisticRegression
from sklearn.preprocessing import StandardScaler

from experiments import transfer
from experiments.grid import STEADY
from research import trials
from research.data.songs import Songs
from research.runs import RunFolder
from research.splits.folds import make_splits
from research.tracks import read_tracks, write_tracks
from research.trials import Trial

TRAIN = replace(STEADY, epochs=2)


def answers(folder: Path, split: str = "test") -> pd.DataFrame:
    frame = pd.read_parquet(folder / "predictions.parquet")
    return frame[frame["split"] == split].sort_values("track_id", ignore_index=True)


def test_a_teacher_never_hears_an_artist_of_the_corpus(small_table):
    tracks = read_tracks(small_table)
    split = make_splits(tracks, "artist", 2, seed=0)[0]
    some = split.train[:5]
    kept = transfer.without_artists(split, tracks, replace(tracks, frame=tracks.frame.iloc[some]))
    artists = np.array(tracks.artist_keys, dtype=object)
    assert set(kept.train) == {row for row in split.train if artists[row] not in {*artists[some]}}
    np.testing.assert_array_equal(kept.test, split.test)  # folds are artist-disjoint already
    with pytest.raises(ValueError, match="no song is left for test; take another teacher"):
        transfer.without_artists(split, tracks, replace(tracks, frame=tracks.frame.iloc[split.test]))


def test_transfer_reads_the_answers_of_a_model_of_other_songs(grid, model, monkeypatch):
    copy = Path("others")
    shutil.copytree(grid.tracks.parent, copy)
    tracks = read_tracks(copy / "tracks.parquet")
    artists = tracks.frame["artist"]
    shared = artists.isin(artists.unique()[:5])
    renamed = artists.where(shared, "Another " + artists)
    others = write_tracks(copy / "tracks.parquet", tracks.frame.assign(artist=renamed), tracks.corpus)
    taught, answered = [], []

    def run_trial(songs: Songs, trial: Trial) -> None:
        taught.append(np.concatenate([trial.split.train, trial.split.valid]))
        trials.run_trial(songs, trial)

    def teacher_answers(config: transfer.Config, songs: Songs) -> np.ndarray:
        answered.append(ask_teacher(config, songs))
        return answered[-1]

    ask_teacher = transfer.teacher_answers
    monkeypatch.setattr(transfer, "run_trial", run_trial)
    monkeypatch.setattr(transfer, "teacher_answers", teacher_answers)
    transfer.main(transfer.Config(grid=grid, teacher=others.folder / "tracks.parquet", model=model, train=TRAIN))
    assert {folder.name.split("-")[0] for folder in grid.out.iterdir()} == {"own", "teacher", "both"}
    for rows, split in zip(taught, make_splits(others, "artist", grid.folds, seed=0), strict=True):
        assert shared[split.train].any()  # those there were to leave out
        assert set(rows) == {row for row in [*split.train, *split.valid] if not shared[row]}
    assert RunFolder.load(grid.out / "both-artist-fold0-seed0").config["members"] == [
        str(grid.out / name) for name in ("own-artist-fold0-seed0", "teacher-artist-fold0")
    ]
    (known,) = answered
    own, teacher = (
        np.stack(answers(grid.out / name)["logits"]) for name in ("own-artist-fold0-seed0", "teacher-artist-fold0")
    )
    assert len({own.argmax(1).tobytes(), teacher.argmax(1).tobytes()}) == 2
    moods, split = tracks.frame["mood"].map(tracks.corpus.labels.index), make_splits(tracks, "artist", 2, seed=0)[0]
    scale = StandardScaler().fit(known[split.train])
    student = LogisticRegression(max_iter=1000).fit(scale.transform(known[split.train]), moods[split.train])
    in_order = split.test[np.argsort(tracks.frame["track_id"].to_numpy()[split.test])]
    expected = student.predict_log_proba(scale.transform(known[in_order]))
    np.testing.assert_allclose(teacher, expected, rtol=0, atol=1e-5)  # kept as float32
    assert np.isclose(np.exp(teacher).sum(axis=1), 1, atol=1e-5).all()
