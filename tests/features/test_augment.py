"""Masks and dropped sides: exact places, exact rates."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from research.features.augment import MASK_DRAWS, drop_modality, spec_augment


def mels(batch=1, frames=216, n_mels=128):
    return np.random.default_rng(0).standard_normal((batch, frames, n_mels)).astype(np.float32)


def masked_copy(spectrograms, *args, **masks):
    copy = spectrograms.copy()
    spec_augment(copy, *args, **masks)
    return copy


def draws(seed, batch=1):
    return np.random.default_rng(seed).random((batch, MASK_DRAWS))


@given(st.integers(0, 1_000), st.integers(1, 60), st.integers(1, 40))
def test_masks_are_whole_rows_and_columns_within_their_budget(seed, frames, n_mels):
    before = mels(3, frames, n_mels)
    for song, after in zip(
        before, masked_copy(before, draws(seed, 3), max_time=10, max_freq=5, fill=-99.0), strict=True
    ):
        masked = after == -99
        rows, columns = masked.all(axis=1), masked.all(axis=0)
        np.testing.assert_array_equal(masked, rows[:, None] | columns)
        np.testing.assert_array_equal(after[~masked], song[~masked])
        if not masked.all():
            assert rows.sum() <= 2 * 10
            assert columns.sum() <= 2 * 5


def test_mask_widths_are_evenly_distributed():
    chance = draws(0, 11_000)
    chance[:, 1] = 0  # the second time mask has no length
    masked = masked_copy(np.ones((11_000, 100, 8), np.float32), chance, max_time=10, max_freq=0, fill=0.0)
    # 1,000 expected a width; 5 standard deviations of a binomial count are 151.
    np.testing.assert_allclose(np.bincount((masked[:, :, 0] == 0).sum(axis=1), minlength=11), 1_000, atol=151)


def test_mask_places_reach_both_ends():
    largest = np.nextafter(1, 0)
    first, last = np.zeros((1, MASK_DRAWS)), np.full((1, MASK_DRAWS), largest)
    first[:, : MASK_DRAWS // 2] = largest  # the longest masks, at the first place
    at_start, at_end = (masked_copy(mels(), chance, max_time=10, max_freq=5, fill=-99.0)[0] for chance in (first, last))
    np.testing.assert_array_equal(np.flatnonzero((at_start == -99).all(axis=1)), np.arange(10))
    np.testing.assert_array_equal(np.flatnonzero((at_end == -99).all(axis=1)), np.arange(206, 216))
    np.testing.assert_array_equal(np.flatnonzero((at_end == -99).all(axis=0)), np.arange(123, 128))


def test_the_default_fill_is_each_songs_level():
    before = mels(2) + np.float32([[[0]], [[40]]])
    after = masked_copy(before, draws(1, 2))
    for song, masked in zip(before, after, strict=True):
        # One value; float32 sums of 3,456 numbers of order 40 in another order.
        np.testing.assert_allclose(np.unique(masked[masked != song]), [song[::8].mean()], rtol=1e-5)
        # 27 of 216 frames of unit noise: a standard error of .017
        assert song[::8].mean() == pytest.approx(song.mean(), abs=0.07)


def test_a_song_is_masked_alone_as_in_a_batch():
    together = masked_copy(mels(4), draws(7, 4))
    np.testing.assert_array_equal(masked_copy(mels(4)[2:3], draws(7, 4)[2:3])[0], together[2])


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
