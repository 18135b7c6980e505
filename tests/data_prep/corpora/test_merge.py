"""MERGE's bimodal and lyrics sets, small, in their published layout."""

import pytest

from data_prep.corpora.merge import prepare

WORDS = "the rain comes down and the river runs away from here to there and over the hill again my friend"
SONGS = [
    ("A001", "L101", "Q1", "Ann", "Sun", "Happy, Bright", "train"),
    ("MT002", "L102", "Q3", "Bob", "Rain", "Gloomy", "validate"),
    ("A003", "MT103", "Q4", "Ann", "Moon", "", "test"),
]


def write_bimodal(folder, tone, name="bimodal_complete"):
    rows = [
        f'{clip},{words},{quadrant},,{artist},{title},1,1999,"{moods}"'
        for clip, words, quadrant, artist, title, moods, _ in SONGS
    ]
    header = "Audio_Song,Lyric_Song,Quadrant,AllMusic Id,Artist,Title,Relevance,Year,MoodsAll"
    (folder / f"merge_{name}_metadata.csv").write_text("\n".join([header, *rows]) + "\n")
    for number, (clip, words, quadrant, *_) in enumerate(SONGS):
        tone(folder / f"audio/{quadrant}/{clip}.wav", 200 + 50 * number)
        path = folder / f"lyrics/{quadrant}/{words}.txt"
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(f"{words} caf\u00e9 {WORDS}".encode("cp1252"))
    write_splits(folder, name, [(song[0], song[2], song[-1]) for song in SONGS])
    return folder


def write_splits(folder, name, rows):
    for part in ("train", "validate", "test"):
        path = folder / f"tvt_dataframes/tvt_70_15_15/tvt_70_15_15_{part}_{name}.csv"
        path.parent.mkdir(parents=True, exist_ok=True)
        lines = [f"{song},{quadrant}" for song, quadrant, own_part in rows if own_part == part]
        path.write_text("\n".join(["Song,Quadrant", *lines]) + "\n")


def test_the_bimodal_set(tmp_path, tone):
    table = prepare(write_bimodal(tmp_path, tone), tmp_path / "out")
    assert table.frame[["track_id", "mood", "split"]].values.tolist() == [
        ["A001", "happy", "train"],
        ["MT002", "sad", "valid"],
        ["A003", "relaxed", "test"],
    ]
    assert table.frame["tags"].tolist() == [["happy", "bright"], ["gloomy"], []]
    assert table.lyrics_text(2) == f"MT103 caf\u00e9 {WORDS}"
    assert table.audio_path(2).read_bytes() == (tmp_path / "audio/Q4/A003.wav").read_bytes()


def test_the_lyrics_set_has_no_sound(tmp_path):
    name = "lyrics_balanced"
    (tmp_path / f"merge_{name}_metadata.csv").write_text("Song,Quadrant,Artist,Title\nL1,Q2,Ann,Storm\n")
    (tmp_path / "Q2").mkdir()
    (tmp_path / "Q2/L1.txt").write_text(WORDS)
    write_splits(tmp_path, name, [("L1", "Q2", "test")])
    table = prepare(tmp_path, tmp_path / "out")
    assert table.frame[["track_id", "mood", "split", "audio"]].values.tolist() == [["L1", "angry", "test", None]]


def test_a_clip_that_is_missing_is_named(tmp_path, tone):
    (write_bimodal(tmp_path, tone) / "audio/Q3/MT002.wav").unlink()
    with pytest.raises(FileNotFoundError, match=r"metadata\.csv:3: no clip MT002"):
        prepare(tmp_path, tmp_path / "out")


def test_a_folder_of_several_sets_is_refused(tmp_path, tone):
    write_bimodal(tmp_path, tone)
    write_bimodal(tmp_path, tone, name="bimodal_balanced")
    with pytest.raises(FileNotFoundError, match=r"holds 2 files .*one unpacked set"):
        prepare(tmp_path, tmp_path / "out")
