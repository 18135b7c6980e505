"""The map of songs: groups stay apart, each point in the colour of its mood."""

import numpy as np

from research.reports.figures.songs import song_map, song_places
from research.reports.figures.style import COLOURS


def test_groups_far_apart_stay_apart_and_are_coloured():
    generator = np.random.default_rng(0)
    moods = np.arange(30) % 3
    vectors = generator.normal(size=(30, 6)) + 50 * np.eye(6)[moods]
    places = song_places(vectors, seed=0)
    centres = np.stack([places[moods == mood].mean(axis=0) for mood in range(3)])
    nearest = np.linalg.norm(places[:, None] - centres, axis=2).argmin(axis=1)
    assert (nearest == moods).all()
    assert (song_places(vectors, seed=0) == places).all()
    (axes,) = song_map({"fusion": places}, moods, ["happy", "sad", "angry"]).axes
    assert axes.get_title() == "fusion"
    for mood, line in enumerate(axes.lines):
        assert line.get_color() == COLOURS[mood]
        assert (line.get_xydata() == places[moods == mood]).all()
