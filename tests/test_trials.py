"""A trial from a corpus with broken files to a finished run folder, and what it refuses."""

import json
from dataclasses import replace

import numpy as np
import pandas as pd
import pytest
import soundfile
import torch
from safetensors.numpy import load_file

from research.models.audio import AudioConfig
from research.models.classifier import ModelConfig
from research.models.frozen import STATISTICS, frozen_encoder
from research.models.lyrics import LyricsConfig, encoder_dim
from research.models.published import FOLDER_VARIABLE
from research.runs import RunFolder, score_songs
from research.splits.folds import official_split
from research.tracks import LASTFM, read_tracks, write_tracks
from research.training.config import TrainConfig
from research.trials import Trial, load_corpus, run_trial

BROKEN = {"synthetic-00000": "truncated.mp3", "synthetic-00001": "text.mp3"}


@pytest.fixture
def trial(small_songs, tiny_bert, tmp_path) -> Trial:
    """Lyrics alone, one epoch."""
    return Trial(
        name="lyrics",
        model=ModelConfig(audio=None, lyrics=LyricsConfig(model=str(tiny_bert)), dim=16),
        train=TrainConfig(epochs=1, batch_size=8, precision="fp32"),
        split=official_split(small_songs.tracks),
        n_folds=1,
        folder=tmp_path / "main" / "lyrics-fold0",
    )


@pytest.fixture
def broken_table(small_table, tmp_path):
    """The small corpus without its sound, but for two songs: an mp3 cut off in its first frames and a text file."""
    tracks = read_tracks(small_table)
    noise = 0.1 * np.random.default_rng(0).standard_normal(44_100)
    soundfile.write(tmp_path / "truncated.mp3", noise, 22_050)
    whole = (tmp_path / "truncated.mp3").read_bytes()
    (tmp_path / "truncated.mp3").write_bytes(whole[: len(whole) // 10])
    (tmp_path / "text.mp3").write_text("404 Not Found\n" * 100)
    for song in (2, 3):
        soundfile.write(tmp_path / f"whole{song}.wav", noise, 22_050)
    files = BROKEN | {f"synthetic-0000{song}": f"whole{song}.wav" for song in (2, 3)}
    (tmp_path / "lyrics").symlink_to(small_table.parent / "lyrics")
    frame = tracks.frame.assign(audio=[files.get(track_id) for track_id in tracks.frame["track_id"]])
    write_tracks(tmp_path / "tracks.parquet", frame, tracks.corpus)
    return tmp_path / "tracks.parquet"


def test_broken_sound_is_listed_and_training_goes_on(broken_table, small_inputs, tiny_bert, trial, capfd):
    songs = load_corpus(broken_table, small_inputs, ModelConfig(lyrics=LyricsConfig(model=str(tiny_bert))))
    said = capfd.readouterr().err
    assert f"{broken_table}: 2 songs have unreadable audio and are used without it:" in said
    assert all(f"  {track_id}: " in said and file in said for track_id, file in BROKEN.items())
    assert songs.has_audio.nonzero()[0].tolist() == [2, 3]
    run_trial(songs, replace(trial, model=replace(trial.model, audio=ModelConfig().audio)))
    predictions = pd.read_parquet(trial.folder / "predictions.parquet")
    rows = np.concatenate([trial.split.valid, trial.split.test])
    assert sorted(predictions["track_id"]) == sorted(songs.tracks.frame["track_id"].iloc[rows])
    assert np.isfinite(np.stack(predictions["logits"])).all()


def test_altered_copies_lie_beside_the_real_features(broken_table, small_inputs):
    inputs = replace(small_inputs, altered_copies=2)
    for model in (AudioConfig(), AudioConfig(frozen=(STATISTICS,))):
        songs = load_corpus(broken_table, inputs, ModelConfig(audio=model, lyrics=None))
        assert [copy.has_audio.nonzero()[0].tolist() for copy in songs.altered] == [[2, 3], [2, 3]]
        assert all((copy.store is None) == (songs.store is None) for copy in songs.altered)
        if model.frozen:
            values = [each.audio_vectors[2] for each in (songs, *songs.altered)]
            assert len(np.unique(values, axis=0)) == 3
        else:
            assert len({each.n_frames[2] for each in (songs, *songs.altered)}) == 3  # other tempos
    folders = {path.parent.name for path in broken_table.parent.glob("*/settings.json")}
    assert folders == {"mel", "mel--altered-1", "mel--altered-2"}
    assert {path.name for path in (broken_table.parent / "embeddings").iterdir()} == {
        STATISTICS,
        f"{STATISTICS}--altered-1",
        f"{STATISTICS}--altered-2",
    }


def test_missing_weights_are_told_before_any_encoder_computes(broken_table, small_inputs, tmp_path, monkeypatch):
    def offline(*_, **__):
        raise OSError("no network")

    monkeypatch.setattr(torch.hub, "download_url_to_file", offline)
    monkeypatch.setattr(torch.hub, "get_dir", lambda: str(tmp_path / "hub"))
    monkeypatch.delenv(FOLDER_VARIABLE, raising=False)
    both = ModelConfig(audio=AudioConfig(frozen=(STATISTICS, "musicnn-jamendo")), lyrics=None)
    with pytest.raises(ValueError, match=r"weights of musicnn-jamendo could not be downloaded \(no network\)"):
        load_corpus(broken_table, small_inputs, both)
    assert not (broken_table.parent / "embeddings" / STATISTICS).exists()


def test_songs_that_are_not_trained_on_leave_no_trace_in_the_weights(small_songs, tiny_bert, trial, tmp_path):
    words = LyricsConfig(model=str(tiny_bert), trainable_layers=0)
    frozen = replace(trial.model, audio=AudioConfig(frozen=(STATISTICS,)), lyrics=words)
    draw, n_songs, train = np.random.default_rng(0), len(small_songs.tracks), trial.split.train
    vectors = {
        "audio_vectors": draw.normal(size=(n_songs, frozen_encoder(STATISTICS).width)).astype(np.float32),
        "lyrics_vectors": draw.normal(size=(n_songs, encoder_dim(words))).astype(np.float32),
    }
    strange = ~np.isin(np.arange(n_songs), train)
    weights = []
    for name, error in (("whole", 0), ("spoiled", 1e3)):
        changed = {side: values + np.float32(error) * strange[:, None] for side, values in vectors.items()}
        here = replace(trial, model=frozen, folder=tmp_path / name / "frozen-fold0")
        run_trial(replace(small_songs, store=None, **changed), here)
        weights.append(load_file(here.folder / "model.safetensors"))
    whole, spoiled = weights
    for side, present in (("audio", small_songs.has_audio), ("lyrics", small_songs.has_lyrics)):
        taught = vectors[f"{side}_vectors"][train[present[train]]]
        # float32 sums of 18 values of order 1; the spread is kept from 0 by 1e-6 or less
        np.testing.assert_allclose(spoiled[f"{side}_projection.0.mean"], taught.mean(axis=0), atol=1e-5)
        np.testing.assert_allclose(spoiled[f"{side}_projection.0.spread"], taught.std(axis=0), atol=1e-5)
    assert all(np.array_equal(values, spoiled[name]) for name, values in whole.items())


def test_a_split_without_songs_to_test_is_no_trial(small_songs, trial):
    for part in ("valid", "test"):
        empty = replace(trial, split=replace(trial.split, **{part: trial.split.test[:0]}))
        with pytest.raises(ValueError, match=f"the split has no song for {part}; use fewer folds or more songs"):
            run_trial(small_songs, empty)
    assert not trial.folder.exists()


def test_a_run_says_what_it_stands_on(small_songs, trial):
    run_trial(small_songs, trial)
    config = json.loads((trial.folder / "config.json").read_text())
    assert config["corpus"]["fingerprint"] == small_songs.tracks.fingerprint
    assert (config["corpus"]["name"], config["corpus"]["synthetic"], config["corpus"]["songs"]) == (
        "synthetic",
        True,
        45,
    )
    assert (config["seed"], config["processes"], config["protocol"], config["group"]) == (0, 1, "official", "main")
    assert config["labels"] == ["happy", "angry", "sad", "relaxed"]
    result = json.loads((trial.folder / "result.json").read_text())
    assert (result["epochs"], result["best_epoch"]) == (1, 1)
    assert result["train_songs"] == len(trial.split.train)
    assert result["parameters"] == result["trained_parameters"]


def test_a_run_says_whom_it_learned_from(small_songs, trial):
    frame = small_songs.tracks.frame.copy()
    first = trial.split.train[0]
    frame.loc[first, "artist"] = None
    tracks = replace(small_songs.tracks, frame=frame)
    run_trial(replace(small_songs, tracks=tracks), trial)
    keys = np.array(tracks.artist_keys, dtype=object)
    assert keys[first] == f"unknown artist of {frame['track_id'][first]}"  # in a table with other moods, say
    assert RunFolder.load(trial.folder).artists == {*keys[trial.split.train], *keys[trial.split.valid]}
    assert not set(keys[trial.split.test]) <= RunFolder.load(trial.folder).artists


def test_a_run_says_which_of_its_encoders_met_the_labels(small_songs, trial):
    tracks = small_songs.tracks
    from_tags = replace(tracks, corpus=replace(tracks.corpus, label_source=LASTFM))
    heard = ("musicnn-msd", STATISTICS)
    vectors = np.ones((len(tracks), sum(frozen_encoder(name).width for name in heard)), np.float32)
    model = ModelConfig(audio=AudioConfig(frozen=heard), lyrics=None, dim=16)
    for name, table in (("tags", from_tags), ("listeners", tracks)):
        here = replace(trial, model=model, folder=trial.folder.with_name(name))
        run_trial(replace(small_songs, tracks=table, store=None, audio_vectors=vectors), here)
    assert json.loads((trial.folder.with_name("tags") / "config.json").read_text())["met_labels"] == ["musicnn-msd"]
    assert "met_labels" not in json.loads((trial.folder.with_name("listeners") / "config.json").read_text())


def test_another_configuration_is_refused_and_the_run_kept(small_songs, trial):
    run_trial(small_songs, trial)
    before = {path: path.stat().st_mtime_ns for path in trial.folder.rglob("*")}
    run_trial(small_songs, trial)
    with pytest.raises(ValueError, match=r"lyrics-fold0 holds another run \(seed was 0, now 1\)"):
        run_trial(small_songs, replace(trial, train=replace(trial.train, seed=1)))
    assert {path: path.stat().st_mtime_ns for path in trial.folder.rglob("*")} == before


def test_two_trials_from_one_seed_are_one(small_songs, trial, tmp_path):
    again, other = (replace(trial, folder=tmp_path / name / "lyrics-fold0") for name in ("again", "other"))
    run_trial(small_songs, trial)
    run_trial(small_songs, again)
    run_trial(small_songs, replace(other, train=replace(trial.train, seed=1)))
    weights, same, another = ((t.folder / "model.safetensors").read_bytes() for t in (trial, again, other))
    assert weights == same != another


def test_scores_by_hand():
    logits = [[2.0, 1.0], [0.0, 1.0], [3.0, 0.0], [1.0, 0.0]]
    frame = pd.DataFrame({"target": [0, 1, 1, 0], "logits": logits})
    # Three of four right; recalls 1 and 1/2; F1 of the first mood 2*2/(3+2) = 4/5, of the second 2*1/(1+2) = 2/3.
    by_hand = {"accuracy": 3 / 4, "balanced_accuracy": 3 / 4, "macro_f1": (4 / 5 + 2 / 3) / 2}
    assert score_songs(frame) == pytest.approx(by_hand, rel=1e-12)
