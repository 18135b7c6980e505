"""Masks and dropped sides: exact places, exact rates."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from research.features.augment import drop_modality, spec_augment


def mel(frames=216, n_mels=128):
    return np.random.default_rng(0).standard_normal((frames, n_mels)).astype(np.float32)


@given(st.integers(0, 1_000), st.integers(1, 60), st.integers(1, 40))
def test_masks_are_whole_rows_and_columns_within_their_budget(seed, frames, n_mels):
    before = mel(frames, n_mels)
    after = spec_augment(before, np.random.default_rng(seed), max_time=10, max_freq=5, fill=-99.0)
    masked = after == -99
    rows, columns = masked.all(axis=1), masked.all(axis=0)
    np.testing.assert_array_equal(masked, rows[:, None] | columns)
    np.testing.assert_array_equal(after[~masked], before[~masked])
    if not masked.all():
        assert rows.sum() <= 2 * 10
        assert columns.sum() <= 2 * 5


def test_mask_widths_are_evenly_distributed():
    generator, before = np.random.default_rng(0), np.ones((100, 8), np.float32)
    masked = [
        spec_augment(before, generator, n_time=1, max_time=10, n_freq=0, fill=0.0)[:, 0].tolist().count(0)
        for _ in range(11_000)
    ]
    # 1,000 expected a width; 5 standard deviations of a binomial count are 151.
    np.testing.assert_allclose(np.bincount(masked, minlength=11), 1_000, atol=151)


def test_the_default_fill_is_the_mean_and_the_input_stays():
    before = mel()
    kept = before.copy()
    after = spec_augment(before, np.random.default_rng(1))
    np.testing.assert_array_equal(before, kept)
    assert set(after[after != before]) == {before.mean()}


def test_the_same_seed_masks_the_same():
    first, second = (spec_augment(mel(), np.random.default_rng(7)) for _ in range(2))
    np.testing.assert_array_equal(first, second)


def test_sides_are_dropped_at_their_rates():
    both = np.ones(10_000, bool)
    audio, lyrics = drop_modality(both, both, 0.2, 0.3, np.random.default_rng(0).random(len(both)))
    # 5 standard deviations of a proportion of 10,000: 5 * sqrt(.3 * .7 / 1e4) = 0.023
    assert 1 - audio.mean() == pytest.approx(0.2, abs=0.023)
    assert 1 - lyrics.mean() == pytest.approx(0.3, abs=0.023)


@given(st.integers(0, 100), st.floats(0, 1))
def test_the_last_side_stays(seed, p_audio):
    generator = np.random.default_rng(seed)
    has_audio, has_lyrics = generator.random((2, 50)) < 0.5
    audio, lyrics = drop_modality(has_audio, has_lyrics, p_audio, 1 - p_audio, generator.random(50))
    np.testing.assert_array_equal(audio | lyrics, has_audio | has_lyrics)
    alone = has_audio ^ has_lyrics
    np.testing.assert_array_equal(audio[alone], has_audio[alone])
    assert not (audio & ~has_audio).any()
    assert not (lyrics & ~has_lyrics).any()


@pytest.mark.parametrize("p", [(0.6, 0.6), (-0.1, 0.5)])
def test_impossible_rates_are_refused(p):
    both = np.ones(2, bool)
    with pytest.raises(ValueError, match="must be positive and sum to at most 1"):
        drop_modality(both, both, *p, np.zeros(2))
