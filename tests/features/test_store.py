"""The feature store: right frames, one batched read, and a build that survives whatever stops it."""

import os
import pickle
import resource
import shutil

import numpy as np
import pandas as pd
import pytest
import soundfile

from research.features import shards as shards_module
from research.features import store as store_module
from research.features.audio import MelSettings, load_log_mel
from research.features.store import MelStore, build_store, open_store
from research.tracks import Corpus, TrackTable

SETTINGS = MelSettings(n_mels=16)
CORPUS = Corpus(name="noise", labels=(), citation="none", licence="CC0")
DURATIONS_S = (1.0, 0.3, 2.0, 0.7, 1.5)


def table(folder, audio):
    rows = [{"track_id": track_id, "artist": None, "audio": path, "lyrics": None} for track_id, path in audio.items()]
    return TrackTable(CORPUS, pd.DataFrame(rows, dtype=object), folder)


@pytest.fixture
def tracks(tmp_path):
    """Five songs of noise, a track without audio and one whose audio is broken."""
    generator, audio = np.random.default_rng(0), {}
    for number, duration_s in enumerate(DURATIONS_S):
        samples = 0.1 * generator.standard_normal(round(22_050 * duration_s))
        soundfile.write(tmp_path / f"{number}.wav", samples, 22_050)
        audio[f"s{number}"] = f"{number}.wav"
    (tmp_path / "broken.mp3").write_text("no song")
    return table(tmp_path, audio | {"words": None, "broken": "broken.mp3"})


@pytest.fixture
def mel_folder(tmp_path):
    return tmp_path / "mel"


def contents(folder):
    return {path.name: path.read_bytes() for path in sorted(folder.iterdir())}


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


def test_digests_are_blake2b_of_the_files(tmp_path, mel_folder):
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


def test_a_corpus_of_words_alone_has_an_empty_store(tmp_path, mel_folder):
    store = build_store(table(tmp_path, {"words": None}), mel_folder, SETTINGS, workers=1)
    assert store.rows(["words"]).tolist() == [-1]
    assert store.n_frames(["words"]).tolist() == [0]


def test_workers_change_nothing(tracks, tmp_path, mel_folder, monkeypatch):
    monkeypatch.setattr(store_module, "SHARD", 2)  # three shards: work for both
    build_store(tracks, mel_folder, SETTINGS, workers=1)
    build_store(tracks, tmp_path / "two", SETTINGS, workers=2)
    assert contents(tmp_path / "two") == contents(mel_folder)


def test_a_pickled_store_reopens(tracks, mel_folder):
    store = build_store(tracks, mel_folder, SETTINGS, workers=1)
    pickled = pickle.dumps(store)
    assert len(pickled) < 1_000  # the path and the settings, no frames
    np.testing.assert_array_equal(pickle.loads(pickled).song("s3"), store.song("s3"))


def build_until(song, tracks, folder, monkeypatch):
    """Build in shards of two songs and stop where `song` would be computed, as a kill or an error would."""
    measure = shards_module.measure

    def stop_at(job, settings):
        if job.track_id == song:
            raise KeyboardInterrupt
        return measure(job, settings)

    with monkeypatch.context() as patch:
        patch.setattr(store_module, "SHARD", 2)
        patch.setattr(store_module, "SHARDS_A_SYNC", 1)
        patch.setattr(shards_module, "measure", stop_at)
        with pytest.raises(KeyboardInterrupt):
            build_store(tracks, folder, SETTINGS, workers=1)


def frames_without_index(folder):
    with (folder / "mel.f16").open("ab") as array:
        array.write(b"\x01" * 777)


def half_an_index_line(folder):
    frames_without_index(folder)
    with (folder / "index.jsonl").open("ab") as index:
        index.write(b'{"track_id": "s4", "offs')


@pytest.mark.parametrize("song", ["s0", "s1", "s3", "broken"])
@pytest.mark.parametrize("damage", [lambda folder: None, frames_without_index, half_an_index_line])
def test_an_interrupted_build_is_refused_and_resumes_to_the_same_bytes(
    tracks, tmp_path, mel_folder, monkeypatch, song, damage
):
    build_store(tracks, tmp_path / "whole", SETTINGS, workers=1)
    build_until(song, tracks, mel_folder, monkeypatch)
    damage(mel_folder)
    with pytest.raises(ValueError, match="no complete feature store; run `build_store`"):
        open_store(mel_folder, SETTINGS)
    build_store(tracks, mel_folder, SETTINGS, workers=1)
    assert contents(mel_folder) == contents(tmp_path / "whole")


def test_a_build_resumes_where_it_stopped(tracks, mel_folder, monkeypatch):
    build_until("s4", tracks, mel_folder, monkeypatch)
    measured = []
    measure = shards_module.measure
    monkeypatch.setattr(shards_module, "measure", lambda job, made: measured.append(job.track_id) or measure(job, made))
    build_store(tracks, mel_folder, SETTINGS, workers=1)
    assert measured == ["s4", "broken"]


def test_shards_that_were_not_taken_in_are_kept(tracks, tmp_path, mel_folder, monkeypatch):
    monkeypatch.setattr(store_module, "SHARD", 2)
    build_store(tracks, tmp_path / "whole", SETTINGS, workers=1)

    def stop_before_the_last(function, items):
        for item in items[:-1]:
            yield function(item)
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):  # 2 of 16 shards a sync: the index names none yet
        build_store(tracks, mel_folder, SETTINGS, engine=stop_before_the_last)
    assert (mel_folder / "index.jsonl").stat().st_size == 0
    measured, measure = [], shards_module.measure
    monkeypatch.setattr(shards_module, "measure", lambda job, made: measured.append(job.track_id) or measure(job, made))
    build_store(tracks, mel_folder, SETTINGS, workers=1)
    assert measured == ["s4", "broken"]
    assert contents(mel_folder) == contents(tmp_path / "whole")


def test_a_full_disk_leaves_a_store_that_resumes(tracks, tmp_path, mel_folder, monkeypatch):
    build_store(tracks, tmp_path / "whole", SETTINGS, workers=1)
    monkeypatch.setattr(store_module, "SHARD", 1)
    monkeypatch.setattr(store_module, "SHARDS_A_SYNC", 1)
    limits = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (3_000, limits[1]))
    try:
        with pytest.raises(OSError, match="File too large"):
            build_store(tracks, mel_folder, SETTINGS, workers=1)
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, limits)
    assert len((mel_folder / "index.jsonl").read_text().splitlines()) == 2  # 44 and 13 frames of 32 bytes fit
    build_store(tracks, mel_folder, SETTINGS, workers=1)
    assert contents(mel_folder) == contents(tmp_path / "whole")


def test_new_songs_extend_a_store_and_old_frames_stay(tracks, tmp_path, mel_folder):
    few = TrackTable(CORPUS, tracks.frame.iloc[:2], tmp_path)
    build_store(few, mel_folder, SETTINGS, workers=1)
    before = (mel_folder / "mel.f16").read_bytes()
    store = build_store(tracks, mel_folder, SETTINGS, workers=1)
    assert (mel_folder / "mel.f16").read_bytes()[: len(before)] == before
    assert store.rows(["s0", "s4"]).tolist() == [0, 4]


def test_an_interrupted_extension_is_not_the_old_store(tracks, tmp_path, mel_folder, monkeypatch):
    build_store(TrackTable(CORPUS, tracks.frame.iloc[:2], tmp_path), mel_folder, SETTINGS, workers=1)
    build_until("s2", tracks, mel_folder, monkeypatch)
    with pytest.raises(ValueError, match="no complete feature store"):
        open_store(mel_folder, SETTINGS)


def test_a_finished_store_is_not_touched(tracks, mel_folder):
    build_store(tracks, mel_folder, SETTINGS, workers=1)
    before = contents(mel_folder), [path.stat().st_mtime_ns for path in sorted(mel_folder.iterdir())]
    build_store(tracks, mel_folder, SETTINGS, workers=1)
    assert (contents(mel_folder), [path.stat().st_mtime_ns for path in sorted(mel_folder.iterdir())]) == before


def test_a_changed_file_is_computed_again(tracks, tmp_path, mel_folder):
    old = build_store(tracks, mel_folder, SETTINGS, workers=1)
    old_song, old_neighbour = old.song("s1"), old.song("s2")
    soundfile.write(tmp_path / "1.wav", np.zeros(22_050), 22_050)
    store = build_store(tracks, mel_folder, SETTINGS, workers=1)
    assert (store.song("s1") == -100).all()
    assert old.digests["s1"] != store.digests["s1"]
    np.testing.assert_array_equal(store.song("s2"), old_neighbour)
    np.testing.assert_array_equal(old.song("s1"), old_song)  # the frames an open store maps stay where they were


def test_a_new_date_alone_adds_no_frames(tracks, tmp_path, mel_folder):
    build_store(tracks, mel_folder, SETTINGS, workers=1)
    frames = (mel_folder / "mel.f16").read_bytes()
    os.utime(tmp_path / "3.wav", ns=(1, 1))
    build_store(tracks, mel_folder, SETTINGS, workers=1)
    assert (mel_folder / "mel.f16").read_bytes() == frames
    assert '"mtime_ns": 1}' in (mel_folder / "index.jsonl").read_text()


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


def test_a_second_program_writing_is_noticed(tracks, mel_folder, monkeypatch):
    measure = shards_module.measure

    def measure_while_another_writes(job, settings):
        frames_without_index(mel_folder)
        return measure(job, settings)

    monkeypatch.setattr(shards_module, "measure", measure_while_another_writes)
    with pytest.raises(ValueError, match="another program is writing"):
        build_store(tracks, mel_folder, SETTINGS, workers=1)


def test_a_moved_store_opens(tracks, tmp_path, mel_folder):
    song = build_store(tracks, mel_folder, SETTINGS, workers=1).song("s0")
    shutil.move(mel_folder, tmp_path / "elsewhere")
    store = open_store(tmp_path / "elsewhere", SETTINGS)
    assert isinstance(store, MelStore)
    np.testing.assert_array_equal(store.song("s0"), song)
