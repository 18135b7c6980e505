"""The slides' networks: their samples and splits, and that `slides` picks its epoch on test and says so."""

import json
from dataclasses import replace

import numpy as np
import pandas as pd
import pytest

from baselines.picture_models import (
    Config,
    run_name,
    run_slide_model,
    slides_split,
    task_table,
    train_config,
)
from baselines.slides import MODEL_1, MODEL_2
from research.metrics.moods import accuracy
from research.models.picture import PictureConfig
from research.runs import RunFolder
from research.splits.folds import artist_folds
from research.splits.mixes import songs_by_mood
from research.tracks import read_tracks, write_tracks

QUICK = replace(MODEL_1, epochs=2, batch_size=16)
THREE = replace(MODEL_1, labels=("happy", "angry", "sad"), per_class=12)
EVERY_SONG = np.ones(60, dtype=bool)


def test_moods_are_sampled_to_at_most_as_many_as_asked(easy_tracks):
    assert songs_by_mood(task_table(easy_tracks, THREE, EVERY_SONG)) == {"happy": 12, "angry": 12, "sad": 12}
    all_of_them = task_table(easy_tracks, replace(THREE, per_class=2_500), EVERY_SONG)
    assert songs_by_mood(all_of_them) == {"happy": 20, "angry": 20, "sad": 20}
    assert all_of_them.fingerprint == easy_tracks.fingerprint  # comparable with the classical baselines


def test_other_moods_and_songs_without_picture_are_left_out(easy_tracks):
    two = replace(THREE, labels=("sad", "happy"), per_class=None)
    task = task_table(easy_tracks, two, np.arange(60) < 30)
    assert task.corpus.labels == ("happy", "sad")  # in the corpus' order
    expected = [mood if mood != "angry" and row < 30 else None for row, mood in enumerate(easy_tracks.frame["mood"])]
    assert task.frame["mood"].tolist() == expected


def test_model_2_may_face_the_slides_proportions(easy_tracks):
    task = task_table(easy_tracks, MODEL_2, EVERY_SONG, mix="slides")
    # Of 20 songs a mood happy gives all: 20 * 5,561 / 8,875 = 12.5 and 20 * 1,652 / 8,875 = 3.7, rounded down.
    assert songs_by_mood(task) == {"happy": 20, "angry": 3, "sad": 12}
    assert task.fingerprint != easy_tracks.fingerprint  # never scored together with all songs


def test_a_mixed_run_has_a_name_of_its_own():
    frozen, learning = (PictureConfig(weights="imagenet", frozen=frozen) for frozen in (True, False))
    names = [run_name(MODEL_2, picture, mix) for picture in (frozen, learning) for mix in ("corpus", "slides")]
    assert names == [f"slides-model2{end}" for end in ("", "-slidesmix", "-finetuned", "-finetuned-slidesmix")]


def test_the_slides_split_is_random_and_validates_on_test(easy_tracks):
    split = slides_split(task_table(easy_tracks, THREE, EVERY_SONG), THREE)
    assert (len(split.train), len(split.test)) == (27, 9)  # of 36
    assert split.valid is split.test
    assert not {*split.train} & {*split.test}
    artists = np.array(easy_tracks.artist_keys)
    assert {*artists[split.train]} & {*artists[split.test]}


def test_model_2_takes_the_corpus_own_files(easy_tracks):
    easy_tracks.frame["split"] = ["train"] * 30 + ["valid"] * 10 + ["test"] * 20
    model = replace(MODEL_2, labels=("happy", "angry", "sad"))
    split = slides_split(task_table(easy_tracks, model, EVERY_SONG), model)
    assert split.train.tolist() == [*range(40)]
    assert split.test.tolist() == [*range(40, 60)]


def test_a_split_without_a_mood_is_refused(easy_tracks):
    sad = easy_tracks.frame["mood"] == "sad"
    easy_tracks.frame["split"] = np.where(sad, "train", "test")
    with pytest.raises(ValueError, match="no train song of the slides' split is angry, happy"):
        slides_split(
            task_table(easy_tracks, replace(THREE, per_class=None), EVERY_SONG), replace(THREE, per_class=None)
        )


@pytest.fixture(scope="module")
def runs(disk_table, tmp_path_factory):
    """Model 1 for two epochs by both protocols."""
    out = tmp_path_factory.mktemp("networks") / "runs"
    for protocol in ("slides", "honest"):
        run_slide_model(QUICK, PictureConfig(), Config(tracks=disk_table, out=out, protocol=protocol))
    return out


def read(folder) -> tuple[dict, list[dict], dict, pd.DataFrame]:
    config, result = (json.loads((folder / name).read_text()) for name in ("config.json", "result.json"))
    history = [json.loads(line) for line in (folder / "metrics.jsonl").read_text().splitlines()]
    return config, history, result, pd.read_parquet(folder / "predictions.parquet")


def test_the_slides_protocol_picks_its_epoch_on_test_and_says_so(runs):
    config, history, result, predictions = read(runs / "slides-model1-slides-fold0-seed0")
    assert (config["protocol"], config["selected_on"], config["n_folds"]) == ("slides", "test", 1)
    test, valid = (predictions[predictions["split"] == part].reset_index(drop=True) for part in ("test", "valid"))
    assert test["track_id"].tolist() == valid["track_id"].tolist()
    by_epoch = [epoch["valid/accuracy"] for epoch in history]
    reported = accuracy(test["target"].to_numpy(), np.stack(test["logits"]).argmax(axis=1))
    assert reported == max(by_epoch) == by_epoch[result["best_epoch"] - 1]


def test_the_honest_protocol_keeps_artists_and_validation_apart(runs, disk_table):
    config, _, _, predictions = read(runs / "slides-model1-artist-fold0-seed0")
    assert (config["protocol"], config["selected_on"], config["n_folds"]) == ("artist", "valid", 4)
    tracks, split = read_tracks(disk_table), artist_folds(read_tracks(disk_table), 4)[0]
    for part, rows in (("valid", split.valid), ("test", split.test)):
        found = predictions.loc[predictions["split"] == part, "track_id"]
        assert sorted(found) == sorted(tracks.frame["track_id"].iloc[rows])
    assert predictions.groupby("artist")["split"].nunique().max() == 1


def test_a_run_says_its_songs_and_its_recipe(runs):
    config, history, result, _ = read(runs / "slides-model1-slides-fold0-seed0")
    assert sum(config["songs_by_mood"].values()) == 45
    assert config["initialised_from"] == "random"
    train = config["train"]
    assert (train["optimizer"], train["learning_rate"], train["weight_decay"], train["clip_norm"]) == (
        "sgd",
        1e-3,
        0.0,
        None,
    )
    assert (train["schedule"], train["step_epochs"], train["step_factor"]) == ("step", 7, 0.1)
    assert len(history) == result["epochs"] == 2


def test_an_interrupted_network_ends_in_the_same_bits(runs, disk_table, tmp_path, monkeypatch):
    class KilledError(Exception):
        pass

    def save_and_die(run, state):
        save(run, state)
        raise KilledError

    save = RunFolder.save_checkpoint
    config = Config(tracks=disk_table, out=tmp_path / "runs", protocol="slides")
    with monkeypatch.context() as patch:
        patch.setattr(RunFolder, "save_checkpoint", save_and_die)
        with pytest.raises(KilledError):
            run_slide_model(QUICK, PictureConfig(), config)
    run_slide_model(QUICK, PictureConfig(), config)
    name = "slides-model1-slides-fold0-seed0"
    for file in ("model.safetensors", "metrics.jsonl", "predictions.parquet"):
        assert (tmp_path / "runs" / name / file).read_bytes() == (runs / name / file).read_bytes(), file


def test_the_recipe_is_the_slides():
    for model, epochs, batch_size in ((MODEL_1, 20, 32), (MODEL_2, 15, 64)):
        config = train_config(model, "slides", seed=3)
        assert (config.epochs, config.patience, config.batch_size, config.seed) == (epochs, epochs, batch_size, 3)
        assert (config.select_by, train_config(model, "honest", 0).select_by) == ("accuracy", "macro_f1")


def test_missing_weights_leave_no_run_behind(disk_table, tmp_path):
    config = Config(tracks=disk_table, out=tmp_path / "runs")
    with pytest.raises(ValueError, match=r"weights no/such.pth: no such file; give .* or \"imagenet\" to download"):
        run_slide_model(MODEL_2, PictureConfig(weights="no/such.pth", frozen=True), config)
    assert not (tmp_path / "runs").exists()


def test_a_missing_mood_is_named(disk_table, tmp_path):
    tracks = read_tracks(disk_table)
    path = disk_table.parent / "no_sad.parquet"
    write_tracks(path, tracks.frame[tracks.frame["mood"] != "sad"].reset_index(drop=True), tracks.corpus)
    with pytest.raises(ValueError, match="synthetic has no song that is sad; slides-model1 tells apart angry"):
        run_slide_model(QUICK, PictureConfig(), Config(tracks=path, out=tmp_path / "runs"))


def test_a_corpus_of_words_alone_is_named(disk_table, tmp_path):
    tracks = read_tracks(disk_table)
    path = disk_table.parent / "silent.parquet"
    write_tracks(path, tracks.frame.assign(audio=None), tracks.corpus)
    with pytest.raises(ValueError, match="synthetic has no audio; prepare it with audio"):
        run_slide_model(QUICK, PictureConfig(), Config(tracks=path, out=tmp_path / "runs"))
