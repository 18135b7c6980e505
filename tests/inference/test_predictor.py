"""A finished run on a song: the same answer as in evaluation, for any length, with either side missing."""

from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from itertools import pairwise

import numpy as np
import pandas as pd
import pytest
import soundfile
import torch

from research.features.audio import decode, load_log_mel
from research.features.source import open_song
from research.inference import MoodPredictor, Song
from research.inference.words import timed_lines, words_at
from research.runs import RunFolder


@pytest.mark.parametrize("words", ["trained", "fine_tuned"])
def test_a_song_is_judged_as_it_was_tested(words, request):
    run, songs = request.getfixturevalue(words)
    predictor = MoodPredictor(run)
    tested = pd.read_parquet(run.path / "predictions.parquet").set_index("track_id")
    ids = list(songs.tracks.frame["track_id"])
    for track_id in tested.index[:6]:
        row = ids.index(track_id)
        found = predictor.predict(songs.tracks.audio_path(row), songs.tracks.lyrics_text(row))
        logits = tested.loc[track_id, "logits"]
        scaled = np.exp(logits / predictor.calibrated.temperature)
        expected = scaled / scaled.sum()
        # The store keeps float16: 0.03 dB of sound, far below 0.01 of a share.
        np.testing.assert_allclose(list(found.probabilities.values()), expected, atol=1e-2)


def test_either_side_may_be_missing_but_not_both(trained, predictor):
    _, songs = trained
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
    with pytest.raises(ValueError, match="reads audio or lyrics, and is given none"):
        predictor.predict(None, " \n")


def test_a_song_repeated_has_the_mood_of_the_song(predictor, tmp_path):
    # 150 hops: a whole number of frames, so that a repetition is the same song again.
    tone = np.sin(2 * np.pi * 441 * np.arange(150 * 512) / 22_050).astype(np.float32) / 4
    for repeats in (1, 40):
        soundfile.write(tmp_path / f"{repeats}.wav", np.tile(tone, repeats), 22_050)
    short, long = (predictor.predict(tmp_path / f"{n}.wav").probabilities for n in (1, 40))
    assert list(short.values()) == pytest.approx(list(long.values()), abs=0.02)  # edges weigh less in the long one


def test_a_baseline_is_refused(tmp_path):
    run = RunFolder.open(tmp_path / "majority", {"name": "majority", "model": {}})
    with pytest.raises(ValueError, match=r"baseline 'majority'; give a run of experiments/fusion\.py"):
        MoodPredictor(run)


def shares_of(found):
    return list(found.probabilities.values())


def test_file_content_samples_mono_stereo_mp3_and_batch_answer_alike(trained, predictor, tmp_path):
    _, songs = trained
    samples, rate = soundfile.read(songs.tracks.audio_path(0), dtype="float32")
    stereo = np.stack([samples, samples], axis=1)
    soundfile.write(tmp_path / "stereo.wav", stereo, rate)
    soundfile.write(tmp_path / "song.mp3", samples, rate, format="MP3")
    by_file = predictor.predict(songs.tracks.audio_path(0), "some words")
    content = songs.tracks.audio_path(0).read_bytes()
    sources = [content, (samples, rate), (stereo, rate), tmp_path / "stereo.wav"]
    for found in predictor.predict_many([Song(source, "some words") for source in sources]):
        np.testing.assert_allclose(shares_of(found), shares_of(by_file), atol=1e-3)  # 16 bits: 1e-5 of full scale
    lossy = predictor.predict(tmp_path / "song.mp3", "some words")
    np.testing.assert_allclose(shares_of(lossy), shares_of(by_file), atol=0.05)  # 2 s of MP3 with its silent start
    decoded, rate = soundfile.read(tmp_path / "song.mp3", dtype="float32")
    for subtype, slack in (("FLOAT", 1e-6), ("PCM_16", 1e-3)):  # 16 bits: noise 98 dB below full scale
        soundfile.write(tmp_path / "decoded.wav", decoded, rate, subtype=subtype)
        found = predictor.predict(tmp_path / "decoded.wav", "some words")
        np.testing.assert_allclose(shares_of(found), shares_of(lossy), atol=slack)


def test_peaks_beyond_full_scale_are_cut_as_in_a_16_bit_copy(trained, predictor, tmp_path):
    samples, rate = soundfile.read(trained[1].tracks.audio_path(0), dtype="float32")
    loud = samples * (3 / np.abs(samples).max())
    soundfile.write(tmp_path / "loud.wav", np.stack([loud, 0 * loud], axis=1), rate, subtype="FLOAT")
    soundfile.write(tmp_path / "copy.wav", np.stack([loud, 0 * loud], axis=1), rate, subtype="PCM_16")
    (answer, by_file), (of_copy, by_copy) = (
        predictor.predict_heard(tmp_path / name) for name in ("loud.wav", "copy.wav")
    )
    np.testing.assert_allclose(shares_of(answer), shares_of(of_copy), atol=1e-3)
    assert np.abs(by_file.spectrogram - by_copy.spectrogram).mean() < 0.01  # dB; 16 bits: noise 98 dB below full scale
    unclipped = load_log_mel(tmp_path / "loud.wav", predictor.inputs.mel)
    assert np.abs(by_file.spectrogram - unclipped).mean() > 1  # the cut peaks are heard


@pytest.mark.parametrize("dtype", [np.int16, np.int32])
def test_samples_as_integers_are_the_song(trained, predictor, dtype):
    path = trained[1].tracks.audio_path(0)
    integers, rate = soundfile.read(path, dtype=np.dtype(dtype).name)
    (_, of_integers), (_, of_file) = predictor.predict_heard((integers, rate)), predictor.predict_heard(path)
    np.testing.assert_allclose(of_integers.spectrogram, of_file.spectrogram, atol=1e-3)  # unscaled: 90 dB louder


@pytest.mark.parametrize(
    ("samples", "message"),
    [
        (np.full(30_000, 2.0**15), r"reach 32768 where full scale is 1; divide those of 16 bits by 32,768"),
        (np.full(30_000, 128, np.uint8), r"samples are uint8; give signed integers"),
    ],
)
def test_samples_that_are_not_scaled_are_refused(predictor, samples, message):
    with pytest.raises(ValueError, match=message):
        predictor.predict((samples, 22_050))


def test_a_song_decoded_once_is_the_song(trained, tmp_path):
    samples = decode(trained[1].tracks.audio_path(0), 22_050)
    path = tmp_path / "song.mp3"
    soundfile.write(path, np.stack([samples, samples / 2], axis=1), 22_050, format="MP3")
    with open_song(path, decoded=True) as opened:
        np.testing.assert_array_equal(decode(opened.path, 16_000), decode(path, 16_000))
    path.write_bytes(path.read_bytes()[: path.stat().st_size * 3 // 4])
    with open_song(path, decoded=True) as opened:  # an interrupted download promises all of the song
        assert opened.duration_s == soundfile.info(opened.path).duration < 0.8 * len(samples) / 22_050


def test_threads_share_a_predictor(trained, predictor):
    _, songs = trained
    asked = [Song(songs.tracks.audio_path(row), songs.tracks.lyrics_text(row)) for row in range(6)]
    alone = [predictor.predict(song.audio, song.lyrics) for song in asked]
    with ThreadPoolExecutor(4) as pool:
        together = list(pool.map(lambda song: predictor.predict(song.audio, song.lyrics), asked * 2))
    for one, other in zip(alone * 2, together, strict=True):
        np.testing.assert_allclose(shares_of(one), shares_of(other), atol=1e-6)
    for one, other in zip(alone, predictor.predict_many(asked), strict=True):
        # Words of other lengths in the batch: rounding of padded sums.
        np.testing.assert_allclose(shares_of(one), shares_of(other), atol=1e-5)


def test_many_songs_go_on_past_a_bad_one(trained, predictor, tmp_path):
    _, songs = trained
    (tmp_path / "broken.mp3").write_text("no sound")
    good = Song(songs.tracks.audio_path(0))
    found = list(predictor.predict_many([good] * 9 + [Song(tmp_path / "broken.mp3"), good]))
    assert [isinstance(one, ValueError) for one in found] == [False] * 9 + [True, False]
    assert "broken.mp3 cannot be decoded" in str(found[9])


def test_the_curve_covers_the_song_and_its_mean_logit_is_near(predictor, tmp_path):
    rate = 22_050
    noise = np.random.default_rng(0).normal(size=20 * rate).astype(np.float32) / 10
    tone = np.sin(2 * np.pi * 330 * np.arange(20 * rate) / rate).astype(np.float32) / 4
    curve = predictor.predict((np.concatenate([noise, tone]), rate)).curve
    assert curve[0].start_s == 0
    assert curve[-1].end_s == pytest.approx(40, abs=0.03)  # a frame lasts 23 ms
    assert all(later.start_s <= earlier.end_s + 1e-6 for earlier, later in pairwise(curve))
    first, last = (
        np.array([shares_of(at) for at in curve if keep(at)])
        for keep in (lambda at: at.end_s < 19.9, lambda at: at.start_s > 20.1)
    )
    np.testing.assert_allclose(first.std(axis=0), 0, atol=0.02)  # the same noise again and again
    assert np.abs(first.mean(axis=0) - last.mean(axis=0)).max() > 3 * first.std(axis=0).max()
    alone = predictor.predict((noise, rate)).curve
    np.testing.assert_allclose(shares_of(alone[0]), shares_of(curve[0]), atol=0.02)


def test_shares_of_sides_and_place_in_the_plane(trained, predictor):
    _, songs = trained
    both = predictor.predict(songs.tracks.audio_path(0), songs.tracks.lyrics_text(0))
    sound, words = predictor.predict(songs.tracks.audio_path(0)), predictor.predict(None, songs.tracks.lyrics_text(0))
    assert sound.shares == {"audio": 1.0}
    assert words.shares == {"lyrics": 1.0}
    moved = [np.abs(np.subtract(shares_of(both), shares_of(other))).sum() for other in (words, sound)]
    assert both.shares["audio"] == pytest.approx(moved[0] / sum(moved), abs=1e-4)
    assert sum(both.shares.values()) == pytest.approx(1)
    p = both.probabilities
    assert both.position[0] == pytest.approx(p["happy"] + p["relaxed"] - p["angry"] - p["sad"])
    assert both.position[1] == pytest.approx(p["happy"] + p["angry"] - p["relaxed"] - p["sad"])


def test_a_long_recording_is_heard_in_excerpts_with_its_own_times(predictor, monkeypatch):
    monkeypatch.setattr("research.features.source.LONGEST_S", 10.0)
    monkeypatch.setattr("research.features.source.EXCERPT_S", 2.0)
    rate = 22_050
    tone = np.sin(2 * np.pi * 330 * np.arange(60 * rate) / rate).astype(np.float32) / 4
    found = predictor.predict((tone, rate))
    assert found.duration_s == pytest.approx(60)
    starts = [at.start_s for at in found.curve]
    assert starts == sorted(starts)
    assert starts[-1] > 55  # the last excerpt begins two seconds before the end
    assert len(starts) <= 7


def test_no_mood_fits_below_what_validation_says_or_unlike_all_training_sound(trained):
    run, songs = trained
    predictor = MoodPredictor(run)
    rate, song = 22_050, songs.tracks.audio_path(0)
    # Two steps of training move the running statistics hardly from 0 and 1: here they are those of the song.
    mel, normalise = torch.from_numpy(load_log_mel(song, predictor.inputs.mel)), predictor.model.audio.normalise
    normalise.running_mean.copy_(mel.mean(dim=0))
    normalise.running_var.copy_(mel.var(dim=0))
    predictor.calibrated = replace(predictor.calibrated, least_confidence=0.0)
    found = predictor.predict(song)
    assert found.unlikeness == pytest.approx(0, abs=1e-3)
    assert found.fits
    predictor.calibrated = replace(predictor.calibrated, least_confidence=found.confidence + 1e-6)
    assert not predictor.predict(song).fits
    predictor.calibrated = replace(predictor.calibrated, least_confidence=0.0)
    silence = predictor.predict((np.zeros(3 * rate, np.float32), rate))
    assert silence.unlikeness > 3
    assert not silence.fits
    noise = predictor.predict((np.random.default_rng(0).normal(size=3 * rate).astype(np.float32) / 5, rate))
    assert noise.variation_db < 4 < found.variation_db
    assert not noise.fits


def test_synced_words_belong_to_their_time():
    lines = timed_lines("[00:05.00] first [Chorus]\n[01:00.5]second\nno time\n[00:30:10][02:00.00]third")
    assert lines == [(5.0, "first"), (30.1, "third"), (60.5, "second"), (120.0, "third")]
    sung = words_at(lines, np.array([0.0, 45.0, 90.0]), np.array([5.0, 55.0, 95.0]))
    assert sung == ["first", "third\nsecond", ""]  # a line lasts 10 s at most, and 10 s around count
    assert words_at([], np.array([0.0]), np.array([1.0])) == [""]


def test_pieces_of_the_same_ten_seconds_share_the_words_around_them(predictor):
    starts = np.array([0.0, 3.0, 11.0, 41.0])
    sung = predictor.reader.read_sung("[00:12.00]rain on the window\n[00:15.00]all night", starts, starts + 3)
    assert sung.rows.tolist() == [0, 0, 1, -1]  # 12 s is within ten of the first and in the second; nothing at 41 s
    expected = predictor.reader.read(["rain on the window\nall night"])
    np.testing.assert_allclose(sung.words.vectors, np.repeat(expected.vectors, 2, axis=0), atol=2e-2)  # bfloat16
    assert predictor.reader.read_sung("words without times", starts, starts + 3) is None


def test_how_far_words_reach_says_nothing_of_which_pieces_share_them(predictor, monkeypatch):
    monkeypatch.setattr("research.inference.words.AROUND_S", 3.0)
    starts = np.array([0.0, 7.0, 11.0])
    sung = predictor.reader.read_sung("[00:04.00]rain on the window\n[00:18.00]all night", starts, starts + 2)
    assert sung.rows.tolist() == [0, 0, 1]
    whole = predictor.reader.read(["rain on the window", "rain on the window\nall night"])
    np.testing.assert_allclose(sung.words.vectors, whole.vectors, atol=2e-2)  # bfloat16


def test_moods_and_tags_are_told_together(trained_tags):
    run, songs = trained_tags
    predictor = MoodPredictor(run)
    tested = pd.read_parquet(run.path / "predictions.parquet").set_index("track_id")
    track_id = songs.tracks.frame["track_id"].iloc[0]
    found = predictor.predict(songs.tracks.audio_path(0), songs.tracks.lyrics_text(0))
    logits = tested.loc[track_id, "logits"] if track_id in tested.index else None
    assert tuple(found.probabilities) == predictor.labels
    assert tuple(found.tags) == predictor.tags
    assert all(0 < share < 1 for share in found.tags.values())
    if logits is not None:
        expected = 1 / (1 + np.exp(-logits[len(predictor.labels) :]))
        np.testing.assert_allclose(list(found.tags.values()), expected, atol=1e-2)
