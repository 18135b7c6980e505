"""The 4Q dataset in both layouts, small, and as it is."""

import pytest

from data_prep.corpora.qaed4 import prepare

HEADER = "id,quadrant,mood,pquad,artist,title,moods,genres,audio\n"


def write_small(folder, tone):
    rows = [
        "MT1,Q1,happy,1,Ann,Sun,Sweet| Fun|sweet,Pop,audio/Q1/MT1.flac",
        "MT2,Q3,sad,1,,Rain,Gloomy,Pop,audio/Q3/MT2.flac",
        "MT3,Q2,angry,1,The Bob,Storm,Fierce,Metal,audio/Q2/MT3.flac",
        "MT4,Q2,angry,1,Bob,Storm,Fierce,Metal,audio/Q2/MT4.flac",
    ]
    (folder / "tracks.csv").write_text(HEADER + "\n".join(rows) + "\n", encoding="utf-8")
    for number, row in enumerate(rows):
        tone(folder / row.split(",")[-1], 200 + 50 * number)


def test_a_small_folder(tmp_path, tone):
    source, out = tmp_path / "source", tmp_path / "out"
    source.mkdir()
    write_small(source, tone)
    table = prepare(source, out)
    assert table.frame["mood"].tolist() == ["happy", "sad", "angry"]
    assert table.frame["tags"].tolist() == [["sweet", "fun"], ["gloomy"], ["fierce"]]
    assert table.corpus.tags == ("fierce", "fun", "gloomy", "sweet")
    assert table.frame["artist"].tolist() == ["Ann", None, "The Bob"]
    assert (out / "audio/MT1.flac").readlink() == source / "audio/Q1/MT1.flac"
    assert table.audio_path(0).read_bytes() == (source / "audio/Q1/MT1.flac").read_bytes()
    assert (out / "rejected.csv").read_text() == "line,song,reason,detail\n,MT4,copy of a song already taken,MT3\n"
    assert "4 songs in, 3 kept, 1 dropped." in (out / "card.md").read_text()


def test_the_archive_as_it_is_published(tmp_path, tone):
    header = (
        '"Song","Artist","Title","Quadrant","PQuad","MoodsTotal","Moods","MoodsFoundStr","MoodsStr","MoodsStrSplit"\n'
    )
    rows = '"MT1","Ann","Sun, up","Q4",1,2,2,"x","Calm; Soft","Calm; Soft"\n'
    (tmp_path / "panda_dataset_taffc_metadata.csv").write_text(header + rows)
    tone(tmp_path / "Q4/MT1.wav")
    frame = prepare(tmp_path, tmp_path / "out").frame
    assert frame[["track_id", "title", "mood"]].values.tolist() == [["MT1", "Sun, up", "relaxed"]]
    assert frame["tags"].tolist() == [["calm", "soft"]]


def test_another_mood_is_refused_by_line(tmp_path, tone):
    write_small(tmp_path, tone)
    table = tmp_path / "tracks.csv"
    table.write_text(table.read_text().replace("Q3,sad", "Q3,bored"))
    with pytest.raises(ValueError, match=r"tracks\.csv:3: mood 'bored' is none of"):
        prepare(tmp_path, tmp_path / "out")


def test_missing_files_are_named(tmp_path, tone):
    with pytest.raises(FileNotFoundError, match=r"tracks\.csv does not exist"):
        prepare(tmp_path, tmp_path / "out")
    write_small(tmp_path, tone)
    (tmp_path / "audio/Q2/MT3.flac").unlink()
    with pytest.raises(FileNotFoundError, match=r"tracks\.csv:4: no clip .*MT3\.flac"):
        prepare(tmp_path, tmp_path / "out")


@pytest.mark.real_data
def test_the_published_clips(tmp_path, real_data):
    # counted with: cut -d, -f3 tracks.csv | sort | uniq -c; no two of the 720 files have one sha256
    table = prepare(real_data / "qaed4", tmp_path)
    assert table.frame["mood"].value_counts().to_dict() == dict.fromkeys(("happy", "angry", "sad", "relaxed"), 180)
    assert table.frame["artist"].isna().sum() == 3
    assert table.frame["audio"].notna().all()
    assert table.frame["lyrics"].isna().all()
    assert len(table.corpus.tags) == 215
