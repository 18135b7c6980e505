"""Every key runs, at a size at which its numbers mean nothing; none is asserted."""

import json
import math
from dataclasses import replace
from functools import cache

import pytest
import torch

from research.bench import suite, training
from research.bench.inputs import INPUTS, sound_songs
from research.bench.material import LABELS, Material, Size
from research.bench.pairs import Cost, Rounds, Side
from research.bench.training import SOUND, TRAIN, fit_epoch
from research.cli import main
from research.models.classifier import MoodClassifier

SMALL = Size(
    rounds=1,
    clip_s=2.0,
    song_s=8.0,
    tracks=4,
    epoch=4,
    folder=2,
    slides_epoch=2,
    lyrics_epoch=4,
    matrix_side=64,
    copied_bytes=2**16,
)


@pytest.fixture(scope="module")
def material(tmp_path_factory):
    return Material(tmp_path_factory.mktemp("bench"), SMALL)


@pytest.fixture(scope="module")
def measured(material):
    """Each benchmark runs once."""
    return cache(lambda benchmark: benchmark(material))


@pytest.mark.parametrize("benchmark", suite.BENCHMARKS, ids=lambda benchmark: benchmark.__name__)
def test_each_benchmark_gives_its_keys_as_finite_numbers(measured, benchmark):
    found = measured(benchmark)
    assert tuple(one.key for one in found) == suite.BENCHMARKS[benchmark]
    for one in found:
        for spread in filter(None, (one.value, one.cpu, one.limit_share)):
            assert 0 <= spread.low <= spread.median <= max(spread.high, spread.median)
            assert math.isfinite(spread.high)


def test_the_log_mel_of_made_clips_is_librosas(measured):
    # Not a speed: the second number of this benchmark is the largest difference over all clips and mel bands.
    difference = measured(suite.logmel_vs_librosa)[1]
    assert difference.met, difference


def test_every_epoch_is_trained_in_the_same_precision(material):
    seen = []

    class Recorder(MoodClassifier):
        def forward(self, batch):
            seen.append((self.training, torch.is_autocast_enabled("cpu")))
            return super().forward(batch)

    songs = sound_songs(material)
    model = Recorder(SOUND, n_labels=len(LABELS), n_mels=INPUTS.mel.n_mels)
    for _ in range(2):
        fit_epoch(model, songs, songs, replace(TRAIN, precision="bf16"))
    assert [autocast for training, autocast in seen if training] == [True, True]


def test_a_gpu_is_judged_by_wall_time_over_many_epochs(material, monkeypatch):
    """Its CPU waits, and its arithmetic of a short epoch takes less time than `fit` to begin."""
    asked = {}

    def scripted(sides, n_rounds):
        asked.update(sides)
        cost = {"ours": Cost(2.0, 8.0), "reference": Cost(6.0, 8.0), "limit": Cost(1.0, 8.0), "reading": Cost(0.5, 8.0)}
        return Rounds({name: [cost[name]] for name in sides})

    monkeypatch.setattr(training, "training_device", lambda: torch.device("cuda"))
    monkeypatch.setattr(training, "interleave", scripted)
    monkeypatch.setattr(training, "matrix_rate", lambda *given: Side(lambda: None))
    found = {one.key: one for one in training.train_vs_slides(material)}
    assert list(found) == ["train_vs_slides", "gpu_train_share_of_peak", "gpu_input_share"]
    assert [one.value.median for one in found.values()] == [3.0, 0.5, 0.25]
    assert [(one.cpu, one.met) for one in found.values()] == [(None, False)] * 3
    assert found["gpu_train_share_of_peak"].limit_share.median == 0.5
    assert asked["ours"].work == asked["reading"].work == training.GPU_EPOCHS * SMALL.epoch


def test_only_some_keys_are_measured():
    found = list(suite.measure(["part_max_error"], size=SMALL))  # one of the two keys of its benchmark
    assert [one.key for one in found] == ["part_max_error"]
    report = json.loads(json.dumps(suite.report(found, suite.machine())))
    assert report["keys"]["part_max_error"]["value"]["median"] == found[0].value.median
    assert report["machine"]["cores"] >= 1
    header, _, row = suite.table(found)
    assert header.count("|") == row.count("|")


def test_an_unknown_key_is_refused_with_all_there_are(capsys):
    assert main(["bench", "--only", "speed"]) == 1
    assert "no key speed; there are logmel_vs_slides, " in capsys.readouterr().err


def test_a_folder_without_songs_is_refused(tmp_path, capsys):
    assert main(["bench", "--clips", str(tmp_path), "--json"]) == 1
    assert "contains no audio file" in capsys.readouterr().err
