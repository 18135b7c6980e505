"""A user's own songs: tables with every fault we know of, and folders of moods."""

import csv

import pandas as pd
import pytest
import soundfile

from data_prep.corpora.folder import prepare

BAD_ROWS = {
    3: ("a.wav,Ann,Sun,happy,,,,", "duplicate id"),
    4: ("gone.wav,Ann,Rain,sad,,,,", "missing audio file"),
    5: ("text.mp3,Ann,Rain,sad,,,,", "unreadable audio"),
    6: ("empty.wav,Ann,Rain,sad,,,,", "unreadable audio"),
    7: ("../x.wav,Ann,Rain,sad,,,,", "audio file outside its folder"),
    8: ("b.wav,Ann,Rain,sad,,dev,,", "unknown split"),
    9: ("b.wav,Ann,Rain,,;|,,,", "no mood and no tags"),
    10: (",Ann,Rain,sad,,,,", "neither file nor id"),
    11: ("b.wav,Ann,Rain,sad,,,english,", "language is not ISO 639-1"),
    12: ("b.wav,Ann,Rain,sad,,,,latin.txt", "lyrics file is not UTF-8"),
    13: ("b.wav,Ann,Rain,sad,,,,gone.txt", "missing lyrics file"),
    14: ("b.wav,Ann,Rain,sad,,,,,surplus", "more cells than columns"),
}
HEADER = "file,artist,title,mood,tags,split,language,lyrics_file"


def write_bad_table(folder, tone):
    for number, name in enumerate(("a.wav", "b.wav", "../x.wav")):
        tone(folder / name, 200 + 50 * number)
    (folder / "text.mp3").write_text("this is no sound, whatever its name says")
    soundfile.write(folder / "empty.wav", [], 8000)
    (folder / "latin.txt").write_bytes("très triste".encode("latin-1"))
    rows = [HEADER, "a.wav,Ann,Sun,Happy,Sunny| warm,train,,", *(row for row, _ in BAD_ROWS.values())]
    table = folder / "songs.csv"
    table.write_bytes("\n".join([*rows, "b.wav,Bj\udcf6rk,Rain,sad,,,,"]).encode("utf-8", "surrogateescape"))
    return table


def test_each_bad_row_is_listed_by_line_and_the_good_one_kept(tmp_path, tone):
    source = tmp_path / "source"
    table = prepare(write_bad_table(source, tone), tmp_path / "out")
    assert table.frame[["track_id", "mood", "tags"]].values.tolist() == [["a", "happy", ["sunny", "warm"]]]
    with (tmp_path / "out/rejected.csv").open(encoding="utf-8") as file:
        found = {int(row["line"]): row["reason"] for row in csv.DictReader(file)}
    assert found == {line: reason for line, (_, reason) in BAD_ROWS.items()} | {15: "not UTF-8"}
    card = (tmp_path / "out/card.md").read_text(encoding="utf-8")
    assert "14 songs in, 1 kept, 13 dropped." in card
    assert "- line 8, b.wav: unknown split ('dev' is none of train, valid, test)" in card


def test_nothing_good_at_all_is_refused_with_the_first_reasons(tmp_path):
    (tmp_path / "songs.csv").write_text("file,mood\nx.mp3,happy\n")
    with pytest.raises(ValueError, match=r"no song is left of 1: line 2, x.mp3: missing audio file .*rejected.csv"):
        prepare(tmp_path / "songs.csv", tmp_path / "out")


@pytest.mark.parametrize(
    ("header", "fault"),
    [
        ("path,mood", r"the columns \['mood', 'path'\]; expected file or id, mood and/or tags"),
        ("file,title", r"expected file or id, mood and/or tags"),
        ("file,moood,tags", r"no others than"),
        ("file;mood;genre", r"the columns \['file', 'genre', 'mood'\]"),
    ],
)
def test_wrong_columns_are_refused_with_what_was_found(tmp_path, header, fault):
    (tmp_path / "songs.csv").write_text(f"{header}\na.wav,happy,x\n")
    with pytest.raises(ValueError, match=fault):
        prepare(tmp_path / "songs.csv", tmp_path / "out")


def test_a_table_without_rows_is_refused(tmp_path):
    (tmp_path / "songs.csv").write_text("file,mood\n")
    with pytest.raises(ValueError, match="has no row below its header"):
        prepare(tmp_path / "songs.csv", tmp_path / "out")


def test_a_spreadsheet_with_mark_semicolons_and_quoted_lines(tmp_path, tone):
    tone(tmp_path / "a.wav")
    words = "Wir gehen heute Abend noch einmal durch die alte Stadt\nund keiner weiß warum"
    text = f'\ufeffFile;Title;Tags;Lyrics\r\na.wav;"Ja; nein";"calm;soft";"{words}"\r\nb.wav;;calm;\r\n'
    (tmp_path / "songs.csv").write_text(text, encoding="utf-8", newline="")
    table = prepare(tmp_path / "songs.csv", tmp_path / "out")
    assert table.lyrics_text(0) == words
    assert table.frame[["title", "mood", "language"]].values.tolist() == [["Ja; nein", None, "de"]]
    assert table.corpus.tags == ("calm", "soft")
    # The row before it spans lines 2 and 3.
    assert "\n4,b.wav,missing audio file," in (tmp_path / "out/rejected.csv").read_text()


def test_ids_are_looked_up_by_stem_and_words_alone_are_enough(tmp_path, tone):
    music = tmp_path / "music"
    tone(music / "deep/er/S1.flac", 200)
    tone(music / "one/S2.wav", 300)
    tone(music / "two/S2.wav", 400)
    rows = ["id,mood,lyrics", "S1,sad,", "S2,sad,", 'S3,sad,"only words, no sound"', "S4,sad,", "S/5,sad,words"]
    (tmp_path / "songs.csv").write_text("\n".join(rows))
    frame = prepare(tmp_path / "songs.csv", tmp_path / "out", audio_root=music).frame
    assert frame[["track_id", "audio", "lyrics"]].values.tolist() == [
        ["S1", "audio/S1.flac", None],
        ["S3", None, "lyrics/S3.txt"],
    ]
    reasons = [row.split(",")[:3] for row in (tmp_path / "out/rejected.csv").read_text().splitlines()[1:]]
    assert reasons == [
        ["3", "S2", "several audio files for one id"],
        ["5", "S4", "neither audio nor lyrics"],
        ["6", "S/5", "id cannot name a file"],
    ]


def test_lyrics_of_a_hundred_thousand_words_in_a_cell(tmp_path):
    (tmp_path / "songs.csv").write_text(f"id,mood,lyrics\na,sad,{'rain falls ' * 50_000}\n")
    table = prepare(tmp_path / "songs.csv", tmp_path / "out")
    assert len(table.lyrics_text(0).split()) == 100_000


def test_an_artist_in_two_splits_is_refused_unless_declared(tmp_path):
    rows = ["id,artist,title,mood,split,lyrics", "a,Ann,Sun,happy,train,words", "b,ANN,Rain,sad,test,words"]
    (tmp_path / "songs.csv").write_text("\n".join(rows))
    with pytest.raises(ValueError, match=r"artist in two splits of a corpus that does not declare .*'ann'"):
        prepare(tmp_path / "songs.csv", tmp_path / "out")
    table = prepare(tmp_path / "songs.csv", tmp_path / "out", artists_cross_splits=True)
    assert table.frame["split"].tolist() == ["train", "test"]


def test_labels_keep_the_order_of_the_four_moods_or_the_alphabet(tmp_path):
    for moods, labels in ((["sad", "Happy "], ("happy", "sad")), (["zen", "sad", "epic"], ("epic", "sad", "zen"))):
        rows = [f"{number},{mood},words {number}" for number, mood in enumerate(moods)]
        (tmp_path / "songs.csv").write_text("\n".join(["id,mood,lyrics", *rows]))
        assert prepare(tmp_path / "songs.csv", tmp_path / "out").corpus.labels == labels


def test_corpora_of_own_songs_are_told_apart_by_the_folders_they_are_in(tmp_path):
    (tmp_path / "songs.csv").write_text("id,mood,lyrics\na,sad,it rains\nb,happy,the sun")
    assert [prepare(tmp_path / "songs.csv", tmp_path / out).corpus.name for out in ("party", "sleep")] == [
        "party",
        "sleep",
    ]


def test_a_folder_of_mood_folders(tmp_path, tone):
    root = tmp_path / "music"
    tone(root / "sad/Ann - Rain.wav", 200)
    tone(root / "happy/Untitled: 1?.wav", 300)
    tone(root / "happy/.hidden.wav", 400)
    tone(root / "Loose.wav", 500)
    (root / "sad/Ann - Rain.txt").write_text("[Verse]\nit rains")
    (root / "sad/cover.jpg").touch()
    out = root / "data/folder"
    table = prepare(root, out)
    assert table.frame[["track_id", "artist", "title", "mood"]].values.tolist() == [
        ["happy_Untitled_ 1_", None, "Untitled: 1?", "happy"],
        ["sad_Ann - Rain", "Ann", "Rain", "sad"],
    ]
    assert table.lyrics_text(1) == "it rains"
    assert "Loose.wav,no mood and no tags" in (out / "rejected.csv").read_text()
    # The links of the first run lie below the root too and must not become songs.
    pd.testing.assert_frame_equal(prepare(root, out).frame, table.frame)


def test_folders_that_are_no_moods_are_refused(tmp_path, tone):
    with pytest.raises(ValueError, match=r"has no audio in subfolders; expected .*/happy/song\.mp3"):
        prepare(tmp_path, tmp_path / "out")
    tone(tmp_path / "train/happy/a.wav")
    with pytest.raises(ValueError, match=r"not the splits \['train'\]"):
        prepare(tmp_path, tmp_path / "out")


def test_the_songs_themselves_are_never_the_target(tmp_path, tone):
    tone(tmp_path / "happy/a.wav")
    with pytest.raises(ValueError, match="contains the songs themselves"):
        prepare(tmp_path, tmp_path)
    (tmp_path / "out").mkdir()
    with pytest.raises(ValueError, match="contains the songs themselves"):
        prepare(tmp_path / "out/songs.csv", tmp_path / "out", audio_root=tmp_path / "happy")


def test_an_audio_root_beside_mood_folders_is_refused(tmp_path, tone):
    tone(tmp_path / "happy/a.wav")
    with pytest.raises(ValueError, match="--audio-root goes with a table"):
        prepare(tmp_path, tmp_path / "out", audio_root=tmp_path)


def test_a_file_that_was_not_placed_here_is_never_replaced(tmp_path, tone):
    tone(tmp_path / "happy/a.wav", 300)
    mine = tone(tmp_path / "out/audio/happy_a.wav", 440)
    before = mine.read_bytes()
    mine.write_bytes(before + b"more")
    with pytest.raises(ValueError, match=r"happy_a\.wav is another file than .*move it away"):
        prepare(tmp_path, tmp_path / "out")
    assert mine.read_bytes() == before + b"more"


def test_audio_is_copied_where_links_are_not_possible(tmp_path, tone, monkeypatch):
    source = tone(tmp_path / "happy/a.wav")

    def refuse(*_):
        raise OSError("this file system has no links")

    monkeypatch.setattr("pathlib.Path.symlink_to", refuse)
    for _ in range(2):
        path = prepare(tmp_path, tmp_path / "out").audio_path(0)
        assert not path.is_symlink()
        assert path.read_bytes() == source.read_bytes()
