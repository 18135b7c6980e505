"""Russell's quadrants by hand."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from research.moods import MIREX_CLUSTERS, MOODS, QUADRANTS, SLIDES_THREE, quadrant


@pytest.mark.parametrize(
    ("valence", "arousal", "mood"),
    [(0.8, 0.6, "happy"), (-0.8, 0.6, "angry"), (-0.8, -0.6, "sad"), (0.8, -0.6, "relaxed")],
)
def test_one_point_in_each_quadrant(valence, arousal, mood):  # Russell 1980, figure 4: delighted, tense, gloomy, calm
    assert quadrant(valence, arousal) == mood


def test_zero_counts_as_positive():
    assert [quadrant(0, 0), quadrant(-1, 0), quadrant(0, -1)] == ["happy", "angry", "relaxed"]


@given(st.floats(0.001, 1), st.floats(0.001, 1))
def test_mirroring_a_point_mirrors_its_mood(valence, arousal):
    pleasant, unpleasant = quadrant(valence, arousal), quadrant(-valence, arousal)
    assert QUADRANTS[unpleasant] == (-QUADRANTS[pleasant][0], QUADRANTS[pleasant][1])
    assert quadrant(-valence, -arousal) == "sad"


def test_label_spaces():
    assert set(QUADRANTS) == set(MOODS)
    assert set(SLIDES_THREE) == set(MOODS) - {"relaxed"}
    assert MIREX_CLUSTERS[5 - 1] == "aggressive"


@pytest.mark.parametrize(("valence", "arousal", "named"), [(9, 0, "valence=9"), (0, -1.5, "arousal=-1.5")])
def test_nine_point_scales_are_refused(valence, arousal, named):
    with pytest.raises(ValueError, match=f"{named} .* rescale"):
        quadrant(valence, arousal)


def test_not_a_number_is_refused():
    with pytest.raises(ValueError, match="valence=nan"):
        quadrant(float("nan"), 0)
