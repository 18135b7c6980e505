"""Deezer's valence and arousal, small, in the published layout."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from data_prep.corpora.deezer_va import prepare, quadrants
from research.moods import QUADRANTS
from research.tracks import LASTFM

HEADER = "dzr_sng_id,MSD_sng_id,MSD_track_id,valence,arousal,artist_name,track_name\n"
PARTS = {
    "train": "11,SO11,TR11,1.5,2.1,Ann,Sun\n12,SO12,TR12,-1.9,0.4,Ann,Storm\n",
    "validation": "13,SO13,TR13,-0.3,-2.2,Bob,Rain\n",
    "test": "14,SO14,TR14,0.0,-0.1,Cid,Moon\n",
}


@pytest.fixture
def source(tmp_path):
    for part, rows in PARTS.items():
        (tmp_path / f"{part}.csv").write_text(HEADER + rows)
    return tmp_path


def test_quadrants_ids_and_splits(source, tmp_path):
    table = prepare(source, tmp_path / "out")
    assert table.frame[["track_id", "artist", "mood", "split"]].values.tolist() == [
        ["11", "Ann", "happy", "train"],
        ["12", "Ann", "angry", "train"],
        ["13", "Bob", "sad", "valid"],
        ["14", "Cid", "relaxed", "test"],
    ]
    assert not table.corpus.artists_cross_splits
    assert table.corpus.label_source == LASTFM


def test_an_artist_on_both_sides_is_declared(source, tmp_path, tone):
    path = source / "test.csv"
    path.write_text(path.read_text().replace("Cid", "The Ann"))
    tone(tmp_path / "sound/11.wav", 300)
    tone(tmp_path / "sound/14.wav", 400)
    table = prepare(source, tmp_path / "out", audio=tmp_path / "sound")
    assert table.corpus.artists_cross_splits
    assert table.frame["audio"].tolist() == ["audio/11.wav", "audio/14.wav"]


@pytest.mark.parametrize("cell", ["low", "", "nan", "inf"])
def test_a_value_that_is_no_number_is_refused(source, tmp_path, cell):
    path = source / "validation.csv"
    path.write_text(path.read_text().replace("-0.3", cell))
    with pytest.raises(ValueError, match=rf"validation\.csv:2: valence '{cell}' is no number"):
        prepare(source, tmp_path / "out")


SIDE = st.floats(-3, 3).filter(lambda value: abs(value) > 1e-6)  # a smaller one may round to 0 when divided


@given(st.lists(st.tuples(SIDE, SIDE), min_size=1, max_size=20))
def test_scaling_moves_no_song_across_an_axis(points):
    signs = [QUADRANTS[mood] for mood in quadrants(points)]
    assert signs == [(1 if valence > 0 else -1, 1 if arousal > 0 else -1) for valence, arousal in points]
