"""Building a feature store survives whatever stops it."""

import os
import resource
import time
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest
import soundfile

from research.features import building as building_module
from research.features import shards as shards_module
from research.features.audio import MelSettings
from research.features.building import build_store
from research.features.store import open_store
from research.tracks import TrackTable

SETTINGS = MelSettings(n_mels=16)


def contents(folder):
    return {path.name: path.read_bytes() for path in sorted(folder.iterdir())}


def test_workers_change_nothing(tracks, tmp_path, mel_folder, monkeypatch):
    monkeypatch.setattr(building_module, "SHARD", 2)  # three shards: work for both
    build_store(tracks, mel_folder, SETTINGS, workers=1)
    build_store(tracks, tmp_path / "two", SETTINGS, workers=2)
    assert contents(tmp_path / "two") == contents(mel_folder)


def build_until(song, tracks, folder, monkeypatch):
    """Build in shards of two songs and stop where `song` would be computed, as a kill or an error would."""
    measure = shards_module.measure

    def stop_at(job, settings):
        if job.track_id == song:
            raise KeyboardInterrupt
        return measure(job, settings)

    with monkeypatch.context() as patch:
        patch.setattr(building_module, "SHARD", 2)
        patch.setattr(building_module, "SHARDS_A_SYNC", 1)
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
    monkeypatch.setattr(building_module, "SHARD", 2)
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
    monkeypatch.setattr(building_module, "SHARD", 1)
    monkeypatch.setattr(building_module, "SHARDS_A_SYNC", 1)
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
    few = TrackTable(tracks.corpus, tracks.frame.iloc[:2], tmp_path)
    build_store(few, mel_folder, SETTINGS, workers=1)
    before = (mel_folder / "mel.f16").read_bytes()
    store = build_store(tracks, mel_folder, SETTINGS, workers=1)
    assert (mel_folder / "mel.f16").read_bytes()[: len(before)] == before
    assert store.rows(["s0", "s4"]).tolist() == [0, 4]


def test_an_interrupted_extension_is_not_the_old_store(tracks, tmp_path, mel_folder, monkeypatch):
    build_store(TrackTable(tracks.corpus, tracks.frame.iloc[:2], tmp_path), mel_folder, SETTINGS, workers=1)
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


def test_two_at_once_build_it_once(tracks, tmp_path, mel_folder, monkeypatch, capsys):
    measured, measure = [], shards_module.measure

    def record(job, settings):
        measured.append(job.track_id)
        time.sleep(0.05)  # long enough for the other to come
        return measure(job, settings)

    monkeypatch.setattr(shards_module, "measure", record)
    with ThreadPoolExecutor(2) as pool:
        one, other = pool.map(lambda _: build_store(tracks, mel_folder, SETTINGS, workers=1), range(2))
    assert sorted(measured) == sorted(set(measured)) != []
    assert "another program is building it, waiting" in capsys.readouterr().err
    np.testing.assert_array_equal(one.song("s1"), other.song("s1"))


def test_a_second_program_writing_is_noticed(tracks, mel_folder, monkeypatch):
    measure = shards_module.measure

    def measure_while_another_writes(job, settings):
        frames_without_index(mel_folder)
        return measure(job, settings)

    monkeypatch.setattr(shards_module, "measure", measure_while_another_writes)
    with pytest.raises(ValueError, match="another program is writing"):
        build_store(tracks, mel_folder, SETTINGS, workers=1)
