"""The feature store: right frames, one batched read, and what is refused."""

import os
import pickle
import shutil

import numpy as np
import pytest
import soundfile

from research.features.audio import MelSettings, load_log_mel
from research.features.building import build_store
from research.features.store import MelStore, open_store

SETTINGS = MelSettings(n_mels=16)


def test_songs_are_their_log_mels(tracks, mel_folder):
    store = build_store(tracks, mel_folder, SETTINGS, workers=1)
    for row in range(5):
        expected = load_log_mel(tracks.audio_path(row), SETTINGS)
        # float16 rounds values up to 128 dB by at most 1/32 dB.
        np.testing.assert_allclose(store.song(f"s{row}"), expected, rtol=0, atol=1 / 32)
    assert store.n_frames(["s0", "s1", "words"]).tolist() == [1 + 22_050 // 512, 1 + 6_615 // 512, 0]
    assert store.song("s0").dtype == np.float32


def test_tracks_without_usable_audio_are_told_apart(tracks, mel_folder):
    store = build_store(tracks, mel_folder, SETTINGS, workers=1)
    assert store.rows(["s4", "words", "broken", "s0"]).tolist() == [4, -1, -1, 0]
    assert "s0" in store
    assert "words" not in store
    assert list(store.skipped) == ["broken"]
    assert "broken.mp3 cannot be decoded" in store.skipped["broken"]
    assert list(store.digests) == ["s0", "s1", "s2", "s3", "s4"]


def test_digests_are_blake2b_of_the_files(tmp_path, mel_folder, table):
    (tmp_path / "abc.mp3").write_bytes(b"abc")
    soundfile.write(tmp_path / "a.wav", np.zeros(9_000), 22_050)
    build_store(table(tmp_path, {"x": "abc.mp3"}), mel_folder, SETTINGS, workers=1)
    # By `printf abc | b2sum -l 128`.
    assert '"digest": "cf4ab791c62b8d2b2109c90275287816"' in (mel_folder / "index.jsonl").read_text()


def test_windows_are_slices_of_songs(tracks, mel_folder):
    store = build_store(tracks, mel_folder, SETTINGS, workers=1)
    windows = store.windows(store.rows(["s2", "s0", "s2"]), np.array([70, 5, 0]), frames=10)
    for window, song, start in zip(windows, ("s2", "s0", "s2"), (70, 5, 0), strict=True):
        np.testing.assert_array_equal(window, store.song(song)[start : start + 10])


def test_a_short_song_repeats_until_the_window_is_full(tracks, mel_folder):
    store = build_store(tracks, mel_folder, SETTINGS, workers=1)
    (window,) = store.windows(store.rows(["s1"]), np.array([0]), frames=30)
    np.testing.assert_array_equal(window, np.tile(store.song("s1"), (3, 1))[:30])  # its 13 frames, 2.3 times


@pytest.mark.parametrize(
    ("track_id", "start", "message"),
    [
        ("words", 0, "1 of 1 rows have no audio"),
        ("s0", 35, "a window of 10 frames leaves its song"),
        ("s0", -1, "leaves its song"),
        ("s1", 4, "leaves its song"),
    ],
)
def test_impossible_windows_are_refused(tracks, mel_folder, track_id, start, message):
    store = build_store(tracks, mel_folder, SETTINGS, workers=1)
    with pytest.raises(ValueError, match=message):
        store.windows(store.rows([track_id]), np.array([start]), frames=10)


def test_a_corpus_of_words_alone_has_an_empty_store(tmp_path, mel_folder, table):
    store = build_store(table(tmp_path, {"words": None}), mel_folder, SETTINGS, workers=1)
    assert store.rows(["words"]).tolist() == [-1]
    assert store.n_frames(["words"]).tolist() == [0]


def test_a_pickled_store_reopens(tracks, mel_folder):
    store = build_store(tracks, mel_folder, SETTINGS, workers=1)
    pickled = pickle.dumps(store)
    assert len(pickled) < 1_000  # the path and the settings, no frames
    np.testing.assert_array_equal(pickle.loads(pickled).song("s3"), store.song("s3"))


@pytest.mark.parametrize("use", [lambda tracks, folder, other: open_store(folder, other), build_store])
def test_other_settings_are_refused_by_name(tracks, mel_folder, use):
    build_store(tracks, mel_folder, SETTINGS, workers=1)
    with pytest.raises(ValueError, match=r"made with .*n_mels': 16.* asked for is .*n_mels': 32.*; delete it or pass"):
        use(tracks, mel_folder, MelSettings(n_mels=32))


def cut_array(folder):
    os.truncate(folder / "mel.f16", 64)


def cut_unfinished_array(folder):
    cut_array(folder)
    (folder / "complete.json").unlink()


def spoil_index(folder):
    text = (folder / "index.jsonl").read_text()
    (folder / "index.jsonl").write_text(text.replace("{", "", 1))


@pytest.mark.parametrize(
    ("damage", "opening", "building"),
    [
        (cut_array, "is damaged: .* delete it", "is damaged: .* delete it"),
        (cut_unfinished_array, "no complete feature store", "shorter than its index says; delete"),
        (spoil_index, "index.jsonl is damaged .* delete", "index.jsonl is damaged .* delete"),
    ],
)
def test_damage_is_refused(tracks, mel_folder, damage, opening, building):
    build_store(tracks, mel_folder, SETTINGS, workers=1)
    damage(mel_folder)
    with pytest.raises(ValueError, match=opening):
        open_store(mel_folder, SETTINGS)
    with pytest.raises(ValueError, match=building):
        build_store(tracks, mel_folder, SETTINGS, workers=1)


def test_a_moved_store_opens(tracks, tmp_path, mel_folder):
    song = build_store(tracks, mel_folder, SETTINGS, workers=1).song("s0")
    shutil.move(mel_folder, tmp_path / "elsewhere")
    store = open_store(tmp_path / "elsewhere", SETTINGS)
    assert isinstance(store, MelStore)
    np.testing.assert_array_equal(store.song("s0"), song)
