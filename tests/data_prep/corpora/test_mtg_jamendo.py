"""MTG-Jamendo in both of its layouts, small, and its full list as it is."""

import pytest

from data_prep.corpora.mtg_jamendo import prepare

HEADER = "TRACK_ID\tARTIST_ID\tALBUM_ID\tPATH\tDURATION\tTAGS\n"
SPLIT_0 = {
    "train": ["track_0000948\tartist_000087\talbum_000149\t48/948.mp3\t212.7\tmood/theme---background"],
    "validation": ["track_1026811\tartist_370789\talbum_1\t11/1026811.mp3\t215\tmood/theme---slow\tmood/theme---sad"],
    "test": ["track_0003524\tartist_000530\talbum_000552\t24/3524.mp3\t180.0\tmood/theme---melodic\tmood/theme---sad"],
}  # fmt: skip


def write_split_files(folder):
    for part, rows in SPLIT_0.items():
        (folder / f"autotagging_moodtheme-{part}.tsv").write_text(HEADER + "\n".join(rows) + "\n")
    return folder


def write_full_list(folder):
    rows = ["948,artist_000087,album_000149,background|horror", "3346,artist_000517,album_000521,calm|melodic"]
    left_out = ["99,artist_000001,album_000001,ambiental"]
    header = "track_id,artist_id,album_id,tags"
    (folder / "moodtheme_tags.csv").write_text("\n".join([header, *rows, *left_out]) + "\n")
    for part, ids in (("train", "948\n"), ("validation", "3346\n"), ("test", "")):
        (folder / f"split0_{part}_ids.txt").write_text(ids)
    return folder


def test_split_files_without_sound_are_ids_tags_and_splits(tmp_path):
    table = prepare(write_split_files(tmp_path), tmp_path / "out")
    assert table.frame[["track_id", "artist", "split"]].values.tolist() == [
        ["948", "artist_000087", "train"],
        ["1026811", "artist_370789", "valid"],
        ["3524", "artist_000530", "test"],
    ]
    assert table.frame["tags"].tolist() == [["background"], ["slow", "sad"], ["melodic", "sad"]]
    assert table.corpus.tags == ("background", "melodic", "sad", "slow")
    assert table.frame[["mood", "audio"]].isna().all(axis=None)


def test_with_sound_only_songs_that_have_it_are_kept(tmp_path, tone):
    tone(tmp_path / "mp3/48/948.low.wav", 300)
    tone(tmp_path / "mp3/11/1026811.flac", 400)
    table = prepare(write_split_files(tmp_path), tmp_path / "out", audio=tmp_path / "mp3")
    assert table.frame["track_id"].tolist() == ["948", "1026811"]
    assert table.frame["audio"].tolist() == ["audio/948.wav", "audio/1026811.flac"]
    assert "- 1 dropped: neither audio nor lyrics" in (tmp_path / "out/card.md").read_text()


def test_the_full_list_keeps_to_what_split_0_holds(tmp_path):
    table = prepare(write_full_list(tmp_path), tmp_path / "out")
    assert table.frame[["track_id", "split"]].values.tolist() == [["948", "train"], ["3346", "valid"]]
    assert table.frame["tags"].tolist() == [["background"], ["calm", "melodic"]]


def test_another_list_and_a_missing_part_are_refused(tmp_path):
    path = write_split_files(tmp_path) / "autotagging_moodtheme-test.tsv"
    path.write_text(path.read_text().replace("mood/theme---sad", "genre---rock"))
    with pytest.raises(ValueError, match=r"moodtheme-test\.tsv:2: tags .*another list"):
        prepare(tmp_path, tmp_path / "out")
    path.unlink()
    with pytest.raises(FileNotFoundError, match=r"moodtheme-test\.tsv does not exist"):
        prepare(tmp_path, tmp_path / "out")


@pytest.mark.real_data
def test_the_published_list(tmp_path, real_data):
    # wc -l of the three lists; 56 tags: Bogdanov et al. 2019 and the MediaEval tasks on this split.
    table = prepare(real_data / "jamendo_moodtheme", tmp_path)
    assert table.frame["split"].value_counts().to_dict() == {"train": 9949, "test": 4231, "valid": 3802}
    assert len(table.corpus.tags) == 56
    assert table.frame["tags"].map(len).min() == 1
