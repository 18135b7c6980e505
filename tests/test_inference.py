"""A finished run on a song: the same answer as in evaluation, for any length, with either side missing."""

import json

import numpy as np
import pandas as pd
import pytest
import soundfile

from research.cli import main
from research.inference import MoodPredictor
from research.models.audio import AudioConfig
from research.models.classifier import ModelConfig
from research.models.lyrics import LyricsConfig
from research.runs import RunFolder
from research.splits import official_split
from research.training import TrainConfig
from research.trials import Trial, load_corpus, run_trial


@pytest.fixture(scope="module", params=[0, None], ids=["frozen", "fine-tuned"])
def trained(request, small_table, small_inputs, tiny_bert, tmp_path_factory):
    """A fusion model after one epoch, and the songs it was trained on."""
    lyrics = LyricsConfig(model=str(tiny_bert), trainable_layers=request.param)
    songs = load_corpus(small_table, small_inputs, ModelConfig(lyrics=lyrics))
    folder = tmp_path_factory.mktemp("runs") / "fusion"
    model = ModelConfig(audio=AudioConfig(), lyrics=lyrics, dim=8)
    train = TrainConfig(epochs=1, precision="fp32")
    split = official_split(songs.tracks)
    run_trial(songs, Trial(name="fusion", model=model, train=train, split=split, n_folds=1, folder=folder))
    return RunFolder.load(folder), songs


def test_a_song_is_judged_as_it_was_tested(trained):
    run, songs = trained
    predictor = MoodPredictor(run)
    tested = pd.read_parquet(run.path / "predictions.parquet").set_index("track_id")
    ids = list(songs.tracks.frame["track_id"])
    for track_id in tested.index[:6]:
        row = ids.index(track_id)
        found = predictor.predict(songs.tracks.audio_path(row), songs.tracks.lyrics_text(row))
        logits = tested.loc[track_id, "logits"]
        expected = np.exp(logits) / np.exp(logits).sum()
        # The store keeps float16: 0.03 dB of sound, far below 0.01 of a share.
        np.testing.assert_allclose(list(found.probabilities.values()), expected, atol=1e-2)


def test_either_side_may_be_missing_but_not_both(trained):
    run, songs = trained
    predictor = MoodPredictor(run)
    audio, words = songs.tracks.audio_path(0), songs.tracks.lyrics_text(0)
    by_sound, by_words, by_both = (
        predictor.predict(audio),
        predictor.predict(None, words),
        predictor.predict(audio, words),
    )
    assert (by_sound.heard, by_sound.read) == (True, False)
    assert (by_words.heard, by_words.read) == (False, True)
    # Late fusion: the joint answer is the normalised geometric mean of the two.
    product = np.sqrt([by_sound.probabilities[m] * by_words.probabilities[m] for m in predictor.labels])
    np.testing.assert_allclose(list(by_both.probabilities.values()), product / product.sum(), atol=1e-5)
    with pytest.raises(ValueError, match="knows audio and lyrics"):
        predictor.predict(None, " \n")


def test_a_song_repeated_has_the_mood_of_the_song(trained, tmp_path):
    run, _ = trained
    predictor = MoodPredictor(run)
    # 150 hops: a whole number of frames, so that a repetition is the same song again.
    tone = np.sin(2 * np.pi * 441 * np.arange(150 * 512) / 22_050).astype(np.float32) / 4
    for repeats in (1, 40):
        soundfile.write(tmp_path / f"{repeats}.wav", np.tile(tone, repeats), 22_050)
    short, long = (predictor.predict(tmp_path / f"{n}.wav").probabilities for n in (1, 40))
    assert list(short.values()) == pytest.approx(list(long.values()), abs=0.02)  # edges weigh less in the long one


def test_the_command_goes_on_past_a_bad_file(trained, tmp_path, capsys):
    run, songs = trained
    (tmp_path / "song.flac").write_bytes(songs.tracks.audio_path(0).read_bytes())
    (tmp_path / "song.txt").write_text("some words of joy")
    (tmp_path / "broken.mp3").write_text("no sound")
    status = main(
        ["predict", str(tmp_path / "broken.mp3"), str(tmp_path / "song.flac"), "--run", str(run.path), "--json"]
    )
    told = capsys.readouterr()
    answer = json.loads(told.out)
    assert status == 1
    assert "broken.mp3 cannot be decoded" in told.err
    assert (answer["heard"], answer["read"]) == (True, True)
    assert sum(answer["probabilities"].values()) == pytest.approx(1, abs=1e-6)
    assert answer["mood"] == max(answer["probabilities"], key=answer["probabilities"].get)


def test_a_folder_without_a_run_is_refused(tmp_path, capsys):
    assert main(["predict", "song.mp3", "--run", str(tmp_path)]) == 1
    assert "is no run folder" in capsys.readouterr().err


def test_a_baseline_is_refused(tmp_path):
    run = RunFolder.open(tmp_path / "majority", {"name": "majority", "model": {}})
    with pytest.raises(ValueError, match=r"baseline 'majority'; give a run of experiments/fusion\.py"):
        MoodPredictor(run)


def test_a_run_of_tags_is_refused(tmp_path):
    run = RunFolder.open(tmp_path / "tags", {"name": "tags", "inputs": {}, "labels": [], "tags": ["calm"]})
    with pytest.raises(ValueError, match="learned tags; give a run of moods alone"):
        MoodPredictor(run)
