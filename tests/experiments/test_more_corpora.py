"""Which songs each model of the question learns from, and corpora that cannot be trained alone."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from experiments import more_corpora
from experiments.grid import Grid, grid_splits
from research.models.audio import AudioConfig
from research.models.classifier import ModelConfig
from research.models.lyrics import LyricsConfig
from research.tracks import read_tracks, write_tracks
from research.trials import load_corpus


@pytest.fixture
def config(small_table, small_inputs, tiny_bert, tmp_path, monkeypatch) -> more_corpora.Config:
    """The small corpus as of two corpora, `loud` and `quiet`, and five songs of one mood from a third."""
    monkeypatch.chdir(tmp_path)
    tracks = read_tracks(small_table)
    source = np.array(["loud", "quiet"], dtype=object)[np.arange(len(tracks)) % 2]
    of_one_mood = np.flatnonzero(tracks.frame["mood"] == tracks.corpus.labels[0])[:5]
    source[of_one_mood] = "one-sided"
    for name in ("audio", "lyrics", "mel"):
        Path(name).symlink_to(small_table.parent / name)
    write_tracks(Path("tracks.parquet"), tracks.frame.assign(source=source), tracks.corpus)
    words = LyricsConfig(model=str(tiny_bert), trainable_layers=0)
    return more_corpora.Config(
        grid=Grid(
            tracks=Path("tracks.parquet"), out=Path("runs/more"), folds=2, seeds=1, figures=False, inputs=small_inputs
        ),
        model=ModelConfig(audio=AudioConfig(frozen=("statistics",)), lyrics=words, dim=8),
        train=replace(more_corpora.Config.train, epochs=2, class_weights="none"),  # few songs: a fold lacks a mood
    )


def test_both_models_are_tested_on_the_same_songs_and_one_learns_from_all(config):
    songs = load_corpus(config.grid.tracks, config.grid.inputs, config.model)
    split = grid_splits(config.grid, songs)[0]
    source = songs.tracks.frame["source"].to_numpy()
    found = more_corpora.tested_on("loud", split, songs.tracks)
    own, together = found[more_corpora.OWN], found[more_corpora.ALL]
    np.testing.assert_array_equal(together.train, split.train)
    np.testing.assert_array_equal(own.train, [row for row in split.train if source[row] == "loud"])
    for trial in (own, together):
        np.testing.assert_array_equal(trial.test, [row for row in split.test if source[row] == "loud"])
        np.testing.assert_array_equal(trial.valid, split.valid)


def test_a_report_for_each_corpus_that_has_all_moods(config, capsys):
    more_corpora.main(config)
    assert "one-sided has no song that is" in capsys.readouterr().out
    assert {path.name for path in config.grid.out.iterdir()} == {"loud", "quiet"}
    rows = pd.read_csv("reports/more/loud/comparison.csv")
    assert set(rows["model"]) == {more_corpora.OWN, more_corpora.ALL}
    loud = (read_tracks(config.grid.tracks).frame["source"] == "loud").sum()
    assert set(rows["songs"]) == {loud}


def test_a_corpus_that_was_not_joined_is_refused(config, small_table):
    with pytest.raises(ValueError, match=r"has songs of synthetic alone; make a table by `python -m data_prep joined`"):
        more_corpora.main(replace(config, grid=replace(config.grid, tracks=small_table)))
