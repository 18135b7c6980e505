"""Which songs of a corpus a run may be scored on."""

from copy import copy
from dataclasses import replace

import numpy as np
import pytest

from research.inference import MoodPredictor
from research.inference.held_out import held_out_songs
from research.runs import ARTISTS, RunFolder
from research.tracks import LASTFM

ALL = "all songs with a known mood"


@pytest.fixture
def other(trained):
    """Another corpus of the same songs."""
    tracks = trained[1].tracks
    return replace(tracks, corpus=replace(tracks.corpus, name="other"), frame=tracks.frame.assign(title="another"))


def test_of_another_corpus_nobody_is_scored_whom_the_run_learned_from(predictor, trained, other):
    split, artists = other.frame["split"], np.array(other.artist_keys)
    strangers = ~np.isin(artists, artists[np.isin(split, ["train", "valid"])])
    found = held_out_songs(predictor, other)
    assert found.rows == tuple(np.flatnonzero(strangers))
    assert 0 < len(found.rows) < len(other)
    told = f"left out: {(~strangers).sum()} songs of the table, by artists that the run learned from"
    assert found.which == f"{ALL}; {told}"
    unnamed = replace(other, frame=other.frame.assign(artist=None))
    found = held_out_songs(predictor, unnamed)
    assert found.rows == tuple(range(len(other)))
    assert found.which == f"{ALL}; {len(other)} songs name no artist: whether the run learned from them is not known"
    known = replace(other, frame=other.frame[~strangers].reset_index(drop=True))
    with pytest.raises(ValueError, match="learned from all artists of other"):
        held_out_songs(predictor, known)


def test_a_part_of_the_own_corpus_that_was_kept_apart_is_scored(predictor, trained):
    """The same corpus, prepared from songs that the run's table does not hold."""
    tracks = trained[1].tracks
    strangers = [f"stranger {number // 2}" for number in range(len(tracks))]
    apart = replace(tracks, frame=tracks.frame.assign(artist=strangers, track_id="new " + tracks.frame["track_id"]))
    found = held_out_songs(predictor, apart)
    assert found.rows == tuple(range(len(tracks)))
    assert found.which == ALL
    known = apart.frame["artist"].where(
        apart.frame.index != 3, tracks.frame["artist"][tracks.frame["split"] == "train"].iloc[0]
    )
    assert 3 not in held_out_songs(predictor, replace(apart, frame=apart.frame.assign(artist=known))).rows


def test_of_a_run_that_does_not_say_whom_it_learned_from_all_are_scored_and_that_is_told(trained, other, tmp_path):
    run = RunFolder.open(tmp_path / "run", trained[0].config)
    for file in trained[0].path.iterdir():
        if file.name not in (ARTISTS, "config.json"):
            (run.path / file.name).write_bytes(file.read_bytes())
    found = held_out_songs(MoodPredictor(run), other)
    assert found.rows == tuple(range(len(other)))
    assert found.which == f"{ALL} (which artists the run learned from is not recorded)"


def test_that_an_encoder_met_the_labels_is_told(predictor, other):
    tagged = replace(other, corpus=replace(other.corpus, label_source=LASTFM))
    hears = copy(predictor)
    hears.config = replace(predictor.config, audio=replace(predictor.config.audio, frozen=("musicnn-msd",)))
    plain = held_out_songs(predictor, tagged).which
    assert (
        held_out_songs(hears, tagged).which
        == f"{plain}; optimistic: musicnn-msd learned from the source of their labels"
    )
    assert held_out_songs(hears, other).which == plain
