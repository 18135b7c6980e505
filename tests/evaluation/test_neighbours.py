"""Neighbours counted by hand, and against scikit-learn's."""

import numpy as np
import pytest
from sklearn.neighbors import NearestNeighbors

from research.evaluation.neighbours import artist_mean, neighbour_agreement


def test_neighbours_by_other_artists_on_a_line():
    places, moods = np.array([[0.0], [1.0], [2.0], [10.0], [11.0]]), np.array([0, 0, 1, 1, 0])
    artists = ["a", "b", "b", "c", "d"]
    agreement, chance = neighbour_agreement(places, moods, artists, k=1)
    # By hand: 0 -> 1 (same), 1 -> 0 (2 is b's too; same), 2 -> 0 (other), 10 -> 11 (other), 11 -> 10 (other).
    assert agreement.tolist() == [1, 1, 0, 0, 0]
    assert chance == pytest.approx([2 / 4, 2 / 3, 1 / 3, 1 / 4, 2 / 4], abs=1e-12)
    with pytest.raises(ValueError, match=r"3 songs by other artists, fewer than k=4; lower k"):
        neighbour_agreement(places, moods, artists, k=4)


def test_without_shared_artists_it_is_scikit_learns():
    generator = np.random.default_rng(0)
    vectors, moods = generator.normal(size=(40, 5)), generator.integers(3, size=40)
    agreement, _ = neighbour_agreement(vectors, moods, [str(song) for song in range(40)], k=7)
    near = NearestNeighbors(n_neighbors=7).fit(vectors).kneighbors(return_distance=False)
    assert agreement == pytest.approx((moods[near] == moods[:, None]).mean(axis=1), abs=1e-12)


def test_an_interval_over_artists_is_wider_than_one_over_their_songs():
    generator = np.random.default_rng(0)
    values = generator.normal(size=30).repeat(8)  # the songs of an artist are all alike
    by_artist = artist_mean(values, [str(song // 8) for song in range(240)], generator)
    by_song = artist_mean(values, [str(song) for song in range(240)], generator)
    assert by_artist.estimate == by_song.estimate == pytest.approx(values.mean(), abs=1e-12)
    ratio = (by_artist.high - by_artist.low) / (by_song.high - by_song.low)
    assert ratio == pytest.approx(8**0.5, rel=0.15)  # an eighth as many independent values; 15 %: random draws
