"""Each experiment end to end on the small corpus, and what its question turns on."""

import json
from dataclasses import asdict, replace
from pathlib import Path

import numpy as np
import pandas as pd

from experiments import (
    data_size,
    encoders,
    finetuning,
    fusions,
    missing_lyrics,
    protocol,
    regularisation,
)
from experiments.grid import STEADY, Grid
from research.models.audio import AudioConfig
from research.splits.folds import make_splits
from research.tracks import read_tracks
from research.trials import load_corpus

TRAIN = replace(STEADY, epochs=2)


def names(grid: Grid) -> set[str]:
    return {folder.name.split("-artist")[0].split("-fold")[0] for folder in grid.out.iterdir()}


def answers(folder: Path, split: str = "test") -> pd.DataFrame:
    frame = pd.read_parquet(folder / "predictions.parquet")
    return frame[frame["split"] == split].sort_values("track_id", ignore_index=True)


def test_encoders(grid, model):
    encoders.main(encoders.Config(grid=grid, sound=("statistics",), words=replace(model, audio=None), train=TRAIN))
    assert names(grid) == {"statistics", "words-mean", "words-cls", "words-lines"}
    assert (grid.reports / "report.html").is_file()


def test_fusions(grid, model):
    fusions.main(fusions.Config(grid=grid, model=model, train=TRAIN))
    assert names(grid) == {"audio", "lyrics", *fusions.JOINS}
    assert (grid.reports / "comparison.md").is_file()


def test_regularisation_of_frozen_sides_masks_no_spectrogram(grid, model, monkeypatch):
    config = regularisation.Config(grid=grid, model=model, train=TRAIN)
    found = regularisation.variants(model, TRAIN)
    assert {"masks", "gain", "drop-words", "altered"}.isdisjoint(found)
    assert "pieces" in found
    learned = regularisation.variants(replace(model, audio=AudioConfig()), TRAIN, altered_copies=2)
    assert {"masks", "gain"} < set(learned)
    assert "pieces" not in learned
    assert learned["altered"][1].augmentation.altered > 0
    few = {name: found[name] for name in (regularisation.REFERENCE, "pieces")}  # each costs seconds
    monkeypatch.setattr(regularisation, "variants", lambda model, train, altered_copies: few)
    regularisation.main(config)
    assert names(grid) == set(few)


def test_protocol_tells_what_each_liberty_adds(grid, model):
    protocol.main(protocol.Config(grid=grid, model=model, train=replace(TRAIN, select_by="macro_f1")))
    text = (grid.reports / "protocol.md").read_text()
    assert all(told in text for told in ("artists on both sides", "epoch picked on test songs", "both"))
    picked = answers(grid.out / "test-picked-artist-fold0-seed0", "valid")
    pd.testing.assert_series_equal(picked["track_id"], answers(grid.out / "test-picked-artist-fold0-seed0")["track_id"])


def test_a_song_without_words_is_answered_as_if_it_never_had_any(grid, model, monkeypatch):
    monkeypatch.setattr(missing_lyrics, "GONE", (1.0,))
    foreign = Path("foreign")
    foreign.mkdir()
    (foreign / "un.txt").write_text("la pluie tombe sur la ville")
    missing_lyrics.main(missing_lyrics.Config(grid=grid, model=model, train=TRAIN, foreign=foreign))
    whole, gone, wrong, other = (
        answers(grid.out / f"{name}-fold0-seed0")
        for name in ("fusion-artist", "fusion-100%-gone", "fusion-wrong-words", "fusion-foreign-words")
    )
    songs = load_corpus(grid.tracks, grid.inputs, model)
    read = dict(zip(songs.tracks.frame["track_id"], songs.has_lyrics, strict=True))
    had_words = whole["track_id"].map(read).to_numpy()
    same = np.isclose(np.stack(whole["logits"]), np.stack(gone["logits"]), atol=1e-4).all(axis=1)
    assert same[~had_words].all()
    assert not same[had_words].any()
    for changed in (wrong, other):
        pd.testing.assert_series_equal(changed["track_id"], whole["track_id"])
        assert not np.allclose(np.stack(changed["logits"]), np.stack(whole["logits"]))
    warned = json.loads((grid.out / "warned-artist-fold0-seed0" / "config.json").read_text())["train"]["augmentation"]
    assert warned == asdict(TRAIN.augmentation) | missing_lyrics.WARNED
    asked = {name.removeprefix("warned-") for name in names(grid) if name.startswith("warned-")}
    assert asked == {"100%-gone", "wrong-words", "foreign-words"}


def test_wrong_words_are_never_an_artists_own(small_songs):
    changed = missing_lyrics.wrong_words(small_songs, np.random.default_rng(0))
    artists = np.array(small_songs.tracks.artist_keys, dtype=object)
    own = {artist: {tuple(small_songs.tokens[row]) for row in np.flatnonzero(artists == artist)} for artist in artists}
    for row in np.flatnonzero(small_songs.has_lyrics):
        assert tuple(changed.tokens[row]) not in own[artists[row]]
    assert changed.has_lyrics.tolist() == small_songs.has_lyrics.tolist()


def test_smaller_parts_lie_within_larger_ones_and_keep_artists_whole(small_table):
    tracks = read_tracks(small_table)
    split = make_splits(tracks, "artist", 2, seed=0)[0]
    half, whole = (data_size.part_of(split, tracks, share) for share in (0.5, 1.0))
    assert set(half.train) < set(whole.train) == set(split.train)
    assert len(half.train) == round(0.5 * len(split.train))
    np.testing.assert_array_equal(half.test, split.test)
    artists = np.array(tracks.artist_keys, dtype=object)
    cut = {*artists[half.train]} & {*artists[np.setdiff1d(split.train, half.train)]}
    assert len(cut) <= 1  # only the artist at whom the share is met


def test_data_size_draws_its_curve(grid, model):
    data_size.main(data_size.Config(grid=grid, shares=(0.5, 1.0), model=model, train=TRAIN))
    assert names(grid) == {"50.0%", "100.0%"}
    assert (grid.reports / "data_size.png").stat().st_size > 5_000
    for split in make_splits(read_tracks(grid.tracks), "artist", grid.folds, seed=0):
        for share, taught in ((50, round(0.5 * len(split.train))), (100, len(split.train))):
            folder = grid.out / f"{share}.0%-artist-fold{split.fold}-seed0"
            assert json.loads((folder / "result.json").read_text())["train_songs"] == taught


def test_finetuning_lets_layers_learn_in_its_ways(grid, model):
    words = replace(model, audio=None, lyrics=replace(model.lyrics, trainable_layers=None))
    config = finetuning.Config(grid=grid, model=words, train=replace(TRAIN, mixup=0.0))
    found = finetuning.variants(config.model, config.train)
    assert [name for name, (one, _) in found.items() if one.lyrics.layer_decay < 1] == [
        "rate-a-layer",
        "layer-by-layer",
    ]
    assert [name for name, (_, train) in found.items() if train.unfreeze_every] == ["layer-by-layer"]
    finetuning.main(config)
    assert names(grid) == set(found)
    learned = {name: json.loads((grid.out / f"{name}-artist-fold0-seed0/result.json").read_text()) for name in found}
    assert learned["frozen"]["trained_parameters"] < learned["one-rate"]["trained_parameters"]
