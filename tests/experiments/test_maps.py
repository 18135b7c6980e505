"""What a model made of songs, and what drove its answers, on a small run that was never trained."""

from dataclasses import asdict, replace

import numpy as np
import pandas as pd
import pytest
import torch

from experiments import explanations, song_map
from research.inference import load_predictor
from research.models.audio import AudioConfig
from research.models.classifier import ModelConfig, MoodClassifier
from research.models.lyrics import LyricsConfig
from research.runs import RunFolder, describe_run
from research.splits.folds import official_split
from research.tracks import read_tracks
from research.trials import load_corpus


@pytest.fixture(scope="module")
def write_run(small_table, small_inputs, tiny_bert, tmp_path_factory):
    tracks, root = read_tracks(small_table), tmp_path_factory.mktemp("runs")
    split = official_split(tracks)

    def write(name: str, fusion: str, rows=split.test[:9]) -> RunFolder:
        words = LyricsConfig(model=str(tiny_bert), trainable_layers=0)
        model = ModelConfig(audio=AudioConfig(), lyrics=words, fusion=fusion, dim=8)
        config = describe_run(tracks, split, name=name, group="small", n_folds=1, seed=0)
        run = RunFolder.open(root / name, config | {"inputs": asdict(small_inputs), "model": asdict(model)})
        torch.manual_seed(0)
        run.save_weights(MoodClassifier(model, n_labels=4, n_mels=small_inputs.mel.n_mels, pretrained=False))
        tested = tracks.frame.iloc[rows].assign(split="test", target=0, logits=[np.zeros(4)] * len(rows))
        run.finish(tested[["track_id", "split", "target", "logits"]], {})
        return run

    return write


@pytest.fixture(scope="module")
def concat(write_run):
    return write_run("concat", "concat")


def test_vectors_are_what_the_last_layer_reads(concat, small_table):
    predictor = load_predictor(concat.path)
    songs = load_corpus(small_table, predictor.inputs, predictor.config)
    rows = np.array([7, 2, 30])
    vectors = song_map.fused_vectors(predictor, songs, rows)
    head = predictor.model.join.head
    for row, vector in zip(rows, vectors, strict=True):
        logits = head(torch.from_numpy(vector)).softmax(dim=0).tolist()
        answer = predictor.predict(songs.tracks.audio_path(row), songs.tracks.lyrics_text(row))
        assert logits == pytest.approx(list(answer.probabilities.values()), abs=5e-3)  # float16 in the store


def test_the_map_names_its_neighbours(concat, write_run, small_table, tmp_path, capsys):
    late = write_run("late", "late")
    config = song_map.Config(runs=(concat.path, late.path), tracks=small_table, out=tmp_path, neighbours=3)
    song_map.main(config)
    printed = capsys.readouterr().out
    assert printed.count("of the 3 nearest songs by other artists have a song's mood") == 2
    assert (tmp_path / "song_map.png").read_bytes().startswith(b"\x89PNG")
    other = write_run("other", "gated", rows=np.arange(3))
    with pytest.raises(ValueError, match="tested other songs than"):
        song_map.main(song_map.Config(runs=(concat.path, other.path), tracks=small_table, out=tmp_path))
    with pytest.raises(ValueError, match="no run given"):
        song_map.main(song_map.Config(runs=(), tracks=small_table))


def test_explanations_are_checked_song_by_song(concat, small_table, tmp_path, capsys):
    options = {"run": concat.path, "tracks": small_table, "songs": 3, "sound_steps": 1, "word_steps": 1}
    explanations.main(explanations.Config(**options, out=tmp_path))
    table, printed = pd.read_csv(tmp_path / "explanations.csv"), capsys.readouterr().out
    tracks = read_tracks(small_table)
    artists = tracks.frame.set_index("track_id").loc[table["track_id"], "artist"]
    assert len(set(artists)) == len(table) == 3
    for check in ("deletion gain, sound", "deletion gain, words", "likeness to random, sound"):
        assert table[check].between(-1, 1).all()
        assert f"{check}: {table[check].mean():+.3f} [" in printed
    others = replace(tracks, frame=tracks.frame.assign(track_id=[f"other {row}" for row in range(len(tracks))]))
    with pytest.raises(ValueError, match="no test song of the run has its sides"):
        explanations.chosen_rows(others, load_predictor(concat.path), 3, np.random.default_rng(0))
