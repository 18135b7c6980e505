"""From samples a batch becomes what it is from spectrograms, changes of training included; and a run trains on it."""

from dataclasses import replace

import numpy as np
import pandas as pd
import pytest
import torch
from torch._subclasses.fake_tensor import DynamicOutputShapeException, FakeTensorMode  # what torch.compile traces with

from research import data
from research.data.augmentation import Augmentation
from research.data.dataset import SongDataset
from research.data.waveforms import WaveformBatch
from research.inference import MoodPredictor
from research.models.classifier import ModelConfig
from research.models.lyrics import LyricsConfig
from research.runs import RunFolder
from research.splits.folds import official_split
from research.tracks import read_tracks, write_tracks
from research.training.config import TrainConfig
from research.trials import Trial, load_corpus, run_trial

LOUD = Augmentation(time_mask=20, mel_mask=8, drop_audio=0.3, drop_lyrics=0.3, gain_db=6.0)
SLACK_DB = 0.1
"""float16 keeps values below 64 dB to 0.016 dB; the song's range is rounded to 0.005, samples as in tests/features."""


@pytest.fixture(scope="module")
def eight(small_table, tmp_path_factory):
    """Eight songs of the small corpus in a folder of their own: four to train on, two each to choose and to test."""
    tracks, folder = read_tracks(small_table), tmp_path_factory.mktemp("eight")
    for name in ("audio", "lyrics"):
        (folder / name).symlink_to(small_table.parent / name)
    part = dict(iter(tracks.frame.groupby("split")))
    chosen = [part["train"].groupby("mood").head(1), part["valid"].head(2), part["test"].head(2)]
    write_tracks(folder / "tracks.parquet", pd.concat(chosen, ignore_index=True), tracks.corpus)
    return folder / "tracks.parquet"


@pytest.fixture(scope="module")
def both(eight, small_inputs, tiny_bert):
    """The songs read from spectrograms and from samples; the altered copy of each is its neighbour."""
    model = ModelConfig(lyrics=LyricsConfig(model=str(tiny_bert)))
    found = [load_corpus(eight, replace(small_inputs, stored=stored), model) for stored in ("mel", "waveform")]
    return [replace(songs, altered=(replace(songs, store_rows=np.roll(songs.store_rows, -1)),)) for songs in found]


@pytest.mark.parametrize("augmentation", [None, LOUD, replace(LOUD, altered=0.5)])
@pytest.mark.parametrize("window_frames", [72, 100])
def test_a_batch_is_the_one_read_from_spectrograms(both, augmentation, window_frames):
    """The songs have 87 frames: windows of 100 hold them once and a part again."""
    batches = []
    for songs in both:
        songs = replace(songs, inputs=replace(songs.inputs, window_frames=window_frames))
        dataset = SongDataset(songs, np.arange(8), augmentation=augmentation, seed=3)
        dataset.epoch = 1
        batches.append(next(iter(dataset.loader(8))))
    expected, samples = batches
    assert isinstance(samples, WaveformBatch)
    assert samples.rows.dtype == torch.int16
    found = samples.to("cpu")
    for name in ("has_audio", "has_lyrics", "target", "track_index", "input_ids"):
        assert torch.equal(getattr(found, name), getattr(expected, name)), name
    here = expected.has_audio
    assert here.any()
    assert here.all() == (augmentation is None)
    np.testing.assert_allclose(found.mel[here], expected.mel[here].float(), rtol=0, atol=SLACK_DB)


def test_a_batch_without_sound_has_no_windows(both):
    silent = SongDataset(both[1], np.arange(8), read_audio=False)
    assert silent.__getitems__([0, 1]).mel.shape == (2, 0, 32, 72)


def samples_of(both) -> WaveformBatch:
    return next(iter(SongDataset(both[1], np.arange(8), augmentation=LOUD).loader(8)))


@pytest.fixture
def fake_gpu():
    """A mode in which torch computes shapes and devices, not values: operands on two devices, or anything for which the
    CPU would wait for a value, are errors."""
    data.waveforms._log_mel.cache_clear()
    yield FakeTensorMode(allow_non_fake_inputs=True)
    data.waveforms._log_mel.cache_clear()


def test_spectrograms_are_made_on_the_device_without_waiting_for_it(both, fake_gpu):
    batch = samples_of(both)
    assert len(batch.songs.heard) + len(batch.songs.read) < 16  # counted on the CPU
    with fake_gpu:
        mel = batch.to("cuda").mel
        assert (mel.device.type, mel.shape) == ("cuda", (8, 1, 32, 72))
        with pytest.raises(DynamicOutputShapeException):  # how many songs are loud is a value
            mel[mel.amax(dim=(1, 2, 3)) > 0]


def test_pinned_songs_are_the_same(both, monkeypatch):
    pinned = []
    monkeypatch.setattr(torch.Tensor, "pin_memory", lambda part: pinned.append(part) or part.clone())  # needs a GPU
    batch = samples_of(both)
    assert torch.equal(batch.pin_memory().to("cpu").mel, batch.to("cpu").mel)
    assert len(pinned) == 5 + 11  # all of it, and of the batch it becomes


def test_a_run_trained_from_samples_answers_as_it_was_tested(both, eight, tmp_path):
    folder, songs = tmp_path / "runs" / "audio", both[1]
    train = TrainConfig(epochs=2, batch_size=2, precision="fp32", class_weights="none", select_by="last", mixup=0.2)
    model, split = ModelConfig(lyrics=None, dim=8), official_split(songs.tracks)
    run_trial(songs, Trial(name="audio", model=model, train=train, split=split, n_folds=1, folder=folder))
    predictor, tracks = MoodPredictor(RunFolder.load(folder)), read_tracks(eight)
    assert predictor.inputs.stored == "waveform"
    tested = pd.read_parquet(folder / "predictions.parquet")
    expected = np.stack([logits - logits.mean() for logits in tested["logits"]])
    found = []
    for track_id in tested["track_id"]:
        answer = predictor.predict(tracks.audio_path(list(tracks.frame["track_id"]).index(track_id)))
        logits = predictor.calibrated.temperature * np.log(list(answer.probabilities.values()))
        found.append(logits - logits.mean())
    np.testing.assert_allclose(found, expected, atol=1e-2)  # it hears the file itself, and multiplies in bfloat16
    assert expected.std(axis=0).max() > 0.05  # songs are told apart
