"""Shards: the same bytes from any worker, whole or not there."""

import numpy as np
import pytest
import soundfile

from research.features import shards as shards_module
from research.features.audio import MelSettings, load_log_mel
from research.features.shards import Job, Shard, read_shard, write_shard

SETTINGS = MelSettings(n_mels=16)


@pytest.fixture
def shard(tmp_path):
    """A second of noise, a broken file and a file whose frames the store has under another date."""
    generator = np.random.default_rng(0)
    for name in ("known.wav", "new.wav"):
        soundfile.write(tmp_path / name, 0.1 * generator.standard_normal(22_050), 22_050)
    (tmp_path / "broken.wav").write_text("no song")
    known = measured(tmp_path / "known.wav")
    (tmp_path / "shards").mkdir()
    jobs = (job(tmp_path / "known.wav", known), job(tmp_path / "broken.wav"), job(tmp_path / "new.wav"))
    return Shard(folder=tmp_path / "shards", settings=SETTINGS, jobs=jobs)


def job(path, known=None):
    return Job(track_id=path.stem, path=path, size=path.stat().st_size, mtime_ns=1, known=known)


def measured(path):
    return shards_module.measure(job(path), SETTINGS)[0]


def test_a_shard_holds_what_is_new(shard):
    (known, no_mel), (broken, nothing), (new, mel) = read_shard(write_shard(shard))
    assert (known.track_id, known.n_frames, no_mel) == ("known", 1 + 22_050 // 512, None)
    assert "broken.wav cannot be decoded" in broken.skipped
    assert nothing is None
    assert new.n_frames == len(mel)
    np.testing.assert_array_equal(mel, load_log_mel(shard.jobs[2].path, SETTINGS).astype(np.float16))


def test_a_shard_says_its_songs(shard):
    assert str(shard) == "songs known to new"


def test_a_shard_is_computed_once_and_leaves_one_file(shard, monkeypatch):
    path = write_shard(shard)
    before = path.read_bytes(), path.stat().st_mtime_ns
    monkeypatch.setattr(shards_module, "measure", None)  # calling it would fail
    assert write_shard(shard) == path
    assert (path.read_bytes(), path.stat().st_mtime_ns) == before
    assert [*shard.folder.iterdir()] == [path]


def test_two_workers_at_once_write_the_same_bytes(shard, monkeypatch):
    measure, first = shards_module.measure, []

    def overtaken(job, settings):
        if not first:  # while the first worker computes, a second one, who never saw its file, does all
            first.append(True)
            first.append(write_shard(shard).read_bytes())
        return measure(job, settings)

    monkeypatch.setattr(shards_module, "measure", overtaken)
    path = write_shard(shard)
    assert path.read_bytes() == first[1]
    assert [*shard.folder.iterdir()] == [path]


def test_a_worker_that_dies_while_it_writes_leaves_no_shard(shard, monkeypatch):
    def die(_descriptor):
        raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr(shards_module.os, "fsync", die)
        with pytest.raises(KeyboardInterrupt):
            write_shard(shard)
    assert not [*shard.folder.iterdir()]
    assert [entry.track_id for entry, _ in read_shard(write_shard(shard))] == ["known", "broken", "new"]


def test_another_state_of_a_file_is_another_shard(shard):
    path = shard.jobs[2].path
    changed = Job(track_id="new", path=path, size=path.stat().st_size, mtime_ns=2, known=None)
    other = Shard(folder=shard.folder, settings=SETTINGS, jobs=(*shard.jobs[:2], changed))
    same = Shard(folder=shard.folder, settings=SETTINGS, jobs=tuple(shard.jobs))
    assert other.path != shard.path
    assert same.path == shard.path


def test_a_worker_that_does_not_see_the_disk_says_so(shard):
    shard.folder.rmdir()
    with pytest.raises(FileNotFoundError, match=r"shards does not exist on .*; songs and store must lie on a disk"):
        write_shard(shard)


def test_a_damaged_shard_is_refused(shard):
    path = write_shard(shard)
    path.write_bytes(path.read_bytes()[:-100])
    with pytest.raises(ValueError, match=r"safetensors is damaged .*; delete it and build"):
        list(read_shard(path))
