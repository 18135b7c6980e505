"""Songs as users have them: arrays of every kind, long recordings in excerpts, files that were cut short."""

import numpy as np
import pytest
import soundfile

from research.features.audio import decode
from research.features.files import AudioError
from research.features.source import open_song

RATE = 8_000


def noise(duration_s, channels=1):
    shape = (round(duration_s * RATE), channels)
    return (0.1 * np.random.default_rng(0).standard_normal(shape)).astype(np.float32)


@pytest.mark.parametrize(
    ("samples", "rate", "message"),
    [
        (noise(1, 2).T, RATE, r"shape \(2, 8000\); give \(samples, channels\); transpose"),
        (np.zeros((2, 1_000), np.float32), RATE, r"shape \(2, 1000\); give \(samples, channels\); transpose"),
        (np.zeros((2, 3), np.float32), RATE, r"shape \(2, 3\)"),
        (np.zeros((1_000, 65), np.float32), RATE, r"shape \(1000, 65\)"),
        (np.zeros((8_000, 2, 1), np.float32), RATE, r"shape \(8000, 2, 1\)"),
        (np.array(0.5), RATE, r"shape \(\)"),
        (np.zeros((0, 2)), RATE, "holds no samples"),
        (noise(1), 0, "rate is 0; give it in Hz"),
        (noise(1), -44_100, "rate is -44100"),
        (noise(1), 44_100.5, "rate is 44100.5"),
        (noise(1), float("nan"), "rate is nan"),
        (noise(1), 2**31, "rate is 2147483648"),
    ],
)
def test_arrays_that_are_no_samples_are_refused(samples, rate, message):
    with pytest.raises(AudioError, match=message), open_song((samples, rate)):
        pass


@pytest.mark.parametrize(
    ("dtype", "rate"), [("f2", RATE), ("f4", float(RATE)), ("f8", np.float64(RATE)), (">f4", np.int32(RATE))]
)
def test_arrays_of_every_floating_point_kind_are_the_song(tmp_path, dtype, rate):
    samples = noise(1, 2).astype("f2")  # all kinds hold these
    with open_song((samples.astype(dtype), rate)) as opened:
        found, found_rate = soundfile.read(opened.path, dtype="float32")
    assert found_rate == RATE
    np.testing.assert_array_equal(found, samples.astype("f4"))


def write_cut(path, samples, share):
    """A file of which so much arrived."""
    soundfile.write(path, samples, RATE)
    path.write_bytes(path.read_bytes()[: round(share * path.stat().st_size)])
    assert soundfile.info(path).duration == pytest.approx(len(samples) / RATE, abs=0.2)  # it promises all of it
    return path


# The MP3 of 60 s ends within an excerpt; libFLAC finds no place so near to where a file was cut.
@pytest.mark.parametrize(
    ("name", "share"),
    [("long.flac", 0.1), ("long.flac", 0.6), ("long.flac", 1.0), ("long.mp3", 0.6), ("long.mp3", 0.75)],
)
def test_a_long_recording_cut_short_is_heard_as_far_as_it_decodes(tmp_path, monkeypatch, name, share):
    monkeypatch.setattr("research.features.source.LONGEST_S", 20.0)
    monkeypatch.setattr("research.features.source.EXCERPT_S", 4.0)
    path = write_cut(tmp_path / name, noise(80), share)
    with open_song(path) as opened:
        held = decode(opened.path, RATE)
        assert opened.file_s == len(held) / RATE
        middle = decode(opened.path, RATE, opened.middle_s(3.0), 3.0)
    # A second is the least that counts.
    starts_s = [start_s for start_s in (0.0, 19.0, 38.0, 57.0, 76.0) if start_s + 1 < 80 * share]
    assert opened.starts_s.tolist() == starts_s
    np.testing.assert_array_equal(held, np.concatenate([decode(path, RATE, at, 4.0) for at in starts_s]))
    assert len(middle) == 3 * RATE
    # FLAC comes in frames of half a second; the excerpt that is cut ends where the file does.
    assert opened.duration_s == pytest.approx(min(80 * share, starts_s[-1] + 4), abs=0.6)


def test_a_long_recording_of_which_nothing_decodes_is_refused(tmp_path, monkeypatch):
    monkeypatch.setattr("research.features.source.LONGEST_S", 20.0)
    path = write_cut(tmp_path / "long.flac", noise(80), 0.01)
    with pytest.raises(AudioError, match=r"long\.flac .*download it again"), open_song(path):
        pass
