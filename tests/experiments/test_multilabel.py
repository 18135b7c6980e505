"""The tagging experiment end to end: tasks, losses and splits of its runs, and the report they end in."""

import json
import shutil
from dataclasses import replace

import numpy as np
import pandas as pd
import pytest

from experiments.multilabel import MODELS, Config, main
from research.models.classifier import ModelConfig
from research.models.lyrics import LyricsConfig
from research.tracks import read_tracks, write_tracks

TAGS = ("loud", "soft", "rare")


@pytest.fixture(scope="module")
def tagged_table(small_table, tmp_path_factory):
    """The small corpus with two tags of about half the songs, one of three songs; three songs without mood."""
    folder = tmp_path_factory.mktemp("tagged") / "corpus"
    shutil.copytree(small_table.parent, folder)
    tracks = read_tracks(folder / "tracks.parquet")
    generator = np.random.default_rng(0)
    has = np.column_stack([generator.random((45, 2)) < 0.5, np.arange(45) < 3])
    has[~has.any(axis=1), 0] = True
    tags = [[tag for tag, here in zip(TAGS, row, strict=True) if here] for row in has]
    frame = tracks.frame.assign(tags=tags, mood=tracks.frame["mood"].mask(np.arange(45) >= 42))
    write_tracks(folder / "tracks.parquet", frame, replace(tracks.corpus, tags=TAGS))
    return folder / "tracks.parquet"


@pytest.fixture(scope="module")
def job(tagged_table, small_inputs, tiny_bert, tmp_path_factory):
    """Every model for an epoch on two folds, words alone."""
    folder = tmp_path_factory.mktemp("multilabel")
    config = Config(
        tracks=tagged_table,
        min_songs=10,
        folds=2,
        inputs=small_inputs,
        model=ModelConfig(lyrics=LyricsConfig(model=str(tiny_bert)), dim=16),
        side="lyrics",
        train=replace(Config().train, epochs=1, batch_size=8, precision="fp32"),
    )
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(folder)
        main(config)
    return folder, config


def read(folder, model: str, fold: int = 0) -> tuple[dict, pd.DataFrame]:
    run = folder / "runs" / "multilabel" / f"{model}-fold{fold}-seed0"
    return json.loads((run / "config.json").read_text()), pd.read_parquet(run / "predictions.parquet")


def test_each_model_learns_its_task_by_its_loss(job):
    folder, _ = job
    moods = ["happy", "angry", "sad", "relaxed"]
    for model, (task, loss) in MODELS.items():
        config, predictions = read(folder, model)
        assert config["labels"] == (moods if "moods" in task else [])
        assert config.get("tags", []) == (["loud", "soft"] if "tags" in task else [])
        assert config["train"]["tag_loss"] == loss
        assert config["train"]["select_by"] == "last"  # one rule for all, or their differences are the rules'
        assert {len(logits) for logits in predictions["logits"]} == {
            len(config["labels"]) + len(config.get("tags", []))
        }


def test_targets_are_the_tables_and_a_song_without_mood_keeps_its_tags(job, tagged_table):
    folder, _ = job
    table = read_tracks(tagged_table).frame.set_index("track_id")
    both = pd.concat([read(folder, "moods+tags", fold)[1].query("split == 'test'") for fold in (0, 1)])
    assert sorted(both["track_id"]) == sorted(table.index)
    for track_id, target in zip(both["track_id"], both["target"], strict=True):
        tags, mood = table.loc[track_id, "tags"], table.loc[track_id, "mood"]
        assert target[4:].tolist() == ["loud" in tags, "soft" in tags]
        assert np.isnan(target[:4]).all() if mood is None else target[:4].sum() == 1
    moods = pd.concat([read(folder, "moods", fold)[1].query("split == 'test'") for fold in (0, 1)])
    assert sorted(moods["track_id"]) == sorted(table.index[:42])


def test_all_models_share_a_split_without_leaking_artists(job):
    folder, _ = job
    first = read(folder, "tags")[1].set_index("track_id")["split"]
    for model in MODELS:
        frame = read(folder, model)[1]
        assert frame["split"].tolist() == first[frame["track_id"]].tolist()
        assert frame.groupby("artist")["split"].nunique().max() == 1


def test_the_report_has_every_model(job):
    folder, _ = job
    text = (folder / "reports" / "multilabel" / "tagging.md").read_text(encoding="utf-8")
    assert all(f"| {model} | 1 |" in text for model in MODELS)
    tags = pd.read_csv(folder / "reports" / "multilabel" / "tags.csv")
    assert {*tags["tag"]} == {"loud", "soft"}


def test_a_second_call_trains_nothing(job, capsys, monkeypatch):
    folder, config = job
    monkeypatch.chdir(folder)
    main(config)
    assert capsys.readouterr().out.count("finished before, kept") == 2 * len(MODELS)


def test_a_corpus_without_moods_learns_its_tags(job, tagged_table, tmp_path, monkeypatch):
    _, config = job
    tracks = read_tracks(tagged_table)
    frame = tracks.frame.assign(mood=None)
    write_tracks(tagged_table.with_name("moodless.parquet"), frame, replace(tracks.corpus, labels=()))
    monkeypatch.chdir(tmp_path)
    main(replace(config, tracks=tagged_table.with_name("moodless.parquet"), protocol="official"))
    runs = {run.name for run in (tmp_path / "runs" / "multilabel").iterdir()}
    assert runs == {f"{model}-fold0-seed0" for model, (task, _) in MODELS.items() if task == "tags"}


def test_a_side_that_the_corpus_lacks_is_refused(job, tagged_table, tmp_path, monkeypatch):
    _, config = job
    tracks = read_tracks(tagged_table)
    silent = tagged_table.with_name("silent.parquet")
    write_tracks(silent, tracks.frame.assign(audio=None), tracks.corpus)
    monkeypatch.chdir(tmp_path)
    with pytest.raises(ValueError, match="synthetic has lyrics, not audio"):
        main(replace(config, tracks=silent, side="audio"))
