"""Songs as users have them: arrays of every kind, and what is none."""

import numpy as np
import pytest
import soundfile

from research.features.audio import AudioError
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
