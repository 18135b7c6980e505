"""An exported folder answers as its run does; its graph answers as PyTorch does, with either side missing."""

import json
import subprocess
import sys
from copy import copy
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import soundfile

from research.cli import main
from research.export.folder import export_run, onnx_difference
from research.export.model_card import model_card
from research.inference import MoodPredictor, load_predictor
from research.models.published import PUBLISHED
from research.runs import RunFolder

EXAMPLE = Path(__file__).parents[2] / "docs" / "onnx_predict.py"


@pytest.fixture(scope="session")
def exported(trained, tmp_path_factory):
    pytest.importorskip("onnxruntime")
    pytest.importorskip("onnxscript")
    folder = tmp_path_factory.mktemp("exported") / "model"
    export_run(trained[0], folder)
    return folder


def test_the_folder_answers_as_the_run(trained, exported):
    run, songs = trained
    before, after = load_predictor(run.path), load_predictor(exported)
    assert after.calibrated == before.calibrated
    assert after.test_songs == before.test_songs
    audio, words = songs.tracks.audio_path(0), songs.tracks.lyrics_text(0)
    expected, found = before.predict(audio, words), after.predict(audio, words)
    assert list(found.probabilities) == list(expected.probabilities)
    np.testing.assert_allclose(list(found.probabilities.values()), list(expected.probabilities.values()), atol=1e-6)


def test_a_words_encoder_that_learned_goes_along(fine_tuned, tmp_path):
    run, songs = fine_tuned
    export_run(run, tmp_path / "model", onnx=False)
    words = songs.tracks.lyrics_text(0)
    expected, found = (load_predictor(path).predict(None, words) for path in (run.path, tmp_path / "model"))
    assert found.probabilities == expected.probabilities


def test_the_graph_answers_as_torch_on_200_songs(trained, exported):
    # 1e-4: float32 sums in another order, on logits of order 1
    assert onnx_difference(load_predictor(exported), exported / "model.onnx", songs=200, seed=1) < 1e-4


def test_the_graph_answers_as_the_predictor(trained, exported, tmp_path, monkeypatch):
    monkeypatch.setattr("research.models.precision.cpu_computes_bf16", lambda: False)  # the graph is in fp32
    run, songs = trained
    samples, rate = soundfile.read(songs.tracks.audio_path(0), dtype="float32")
    soundfile.write(tmp_path / "song.wav", samples, rate, subtype="PCM_16")
    assert rate == 22_050
    told = subprocess.run(
        [sys.executable, str(EXAMPLE), str(exported), str(tmp_path / "song.wav")],
        capture_output=True,
        text=True,
        check=True,
    )
    expected = load_predictor(run.path).predict(tmp_path / "song.wav").probabilities
    assert json.loads(told.stdout) == pytest.approx(expected, abs=1e-4)


def test_the_card_tells_numbers_licence_and_that_songs_are_invented(trained, exported):
    card = (exported / "README.md").read_text()
    assert "invented songs" in card
    assert trained[0].config["corpus"]["licence"] in card
    assert "| 23 |" in card  # test songs
    assert "model.onnx" in card


def test_a_folder_tells_that_its_epoch_was_picked_on_test_songs(trained, tmp_path):
    flattered = {"selected_on": "test", "met_labels": ["musicnn-msd"]}
    run = RunFolder(trained[0].path, {**trained[0].config, **flattered})
    export_run(run, tmp_path / "model", onnx=False)
    card = (tmp_path / "model" / "README.md").read_text()
    assert "never saw" not in card
    assert "the epoch was picked on the very songs that are scored here" in card
    assert "not calibrated, for lack of validation songs: the epoch was picked on the test songs" in card
    assert "OPTIMISTIC: musicnn-msd learned from the source of the labels" in card
    kept = RunFolder.load(tmp_path / "model").config
    assert {key: kept[key] for key in flattered} == flattered
    honest = model_card(MoodPredictor(trained[0]), onnx_difference=None)
    assert "test songs, which it never saw" in honest
    assert "picked" not in honest


def test_the_card_names_every_encoder_of_sound(predictor):
    def of_sound(**audio):
        other = copy(predictor)
        other.config = replace(predictor.config, audio=replace(predictor.config.audio, **audio))
        return [line for line in model_card(other, onnx_difference=None).splitlines() if line.startswith("Sound is")]

    published, designed, by_name = of_sound(frozen=("musicnn-msd", "statistics", "someone/wav-model"))
    assert PUBLISHED["musicnn-msd"].licence in published
    assert "without weights" in designed
    assert "`someone/wav-model`, frozen; the licence is to be looked up at its home" in by_name
    (learned,) = of_sound()
    assert "`resnet18` that learned on this corpus, from random weights" in learned
    (started,) = of_sound(weights="imagenet")
    assert "`imagenet`; the licence is to be looked up" in started


def test_unfinished_runs_and_existing_folders_are_refused(trained, tmp_path, capsys):
    assert main(["export", str(trained[0].path), "--out", str(tmp_path)]) == 2
    assert "exists; give a new folder" in capsys.readouterr().err
    unfinished = RunFolder.open(tmp_path / "run", trained[0].config)
    with pytest.raises(FileNotFoundError, match=r"no predictions\.parquet"):
        export_run(unfinished, tmp_path / "out")


def test_an_export_that_fails_leaves_nothing(trained, tmp_path, monkeypatch):
    def disk_full(predictor, onnx_difference):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("research.export.folder.model_card", disk_full)
    with pytest.raises(OSError, match="No space left"):
        export_run(trained[0], tmp_path / "models/mine", onnx=False)
    assert not list((tmp_path / "models").iterdir())
