"""The command line: it teaches, prints the data card and fails in one line."""

import subprocess
import sys
from pathlib import Path

import pytest

import data_prep.corpora
from data_prep.__main__ import data_sheet, main
from data_prep.commands import CORPORA
from research.features.audio import MelSettings
from research.features.store import open_store
from research.tracks import read_tracks

TABLE = "tracks.parquet"
HEAVY = ("torch", "pandas", "librosa", "soundfile", "transformers")


def test_every_corpus_file_has_its_command():
    files = Path(data_prep.corpora.__file__).parent.glob("[!_]*.py")
    assert {path.stem for path in files} == set(CORPORA)  # what is missing stands in data_prep/commands


@pytest.mark.parametrize("name", [*CORPORA])
def test_the_help_of_a_corpus_is_its_data_sheet(name, capsys):
    with pytest.raises(SystemExit, match="0"):
        main([name, "--help"])
    shown = " ".join(capsys.readouterr().out.split())
    assert " ".join(data_sheet(name).split()) in shown
    assert "Licence: " in shown
    assert f"data/{name}" in shown


def test_help_lists_every_corpus_without_heavy_imports():
    program = (
        "import sys; from data_prep.__main__ import main\n"
        "try: main(['--help'])\n"
        f"finally: print('LOADED', [name for name in {HEAVY} if name in sys.modules])"
    )
    shown = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True).stdout
    assert "LOADED []" in shown
    for name in CORPORA:
        first_words = data_sheet(name)[:30]
        assert first_words in " ".join(shown.split())


def test_a_corpus_is_written_and_its_card_printed(tmp_path, capsys):
    (tmp_path / "songs.csv").write_text("id,mood,lyrics\na,sad,it rains\nb,happy,\nc,happy,it shines\nd,sad,it pours\n")
    assert main(["folder", "--source", str(tmp_path / "songs.csv"), "--out", str(tmp_path / "out")]) == 0
    shown = capsys.readouterr().out
    assert "4 songs in, 3 kept, 1 dropped." in shown
    assert "| happy | 1 | 33.3% |\n| sad | 2 | 66.7% |" in shown
    assert "| audio | 0 | 0.0% |\n| lyrics | 3 | 100.0% |" in shown
    assert "- line 3, b: neither audio nor lyrics" in shown
    assert (tmp_path / "out/card.md").read_text() in shown
    assert len(read_tracks(tmp_path / "out/tracks.parquet")) == 3


def test_synthetic_songs_are_called_synthetic(tmp_path, capsys):
    out = tmp_path / "out"
    assert main(["synthetic", "--out", str(out), "--n-songs", "8", "--duration-s", "2", "--workers", "1"]) == 0
    assert "# synthetic: SYNTHETIC data card\n\n8 songs in, 8 kept, 0 dropped." in capsys.readouterr().out


def test_nothing_is_built_unless_asked_for(tmp_path, capsys):
    args = ["synthetic", "--out", str(tmp_path), "--n-songs", "8", "--duration-s", "1", "--workers", "1"]
    assert main(args) == 0
    assert sorted(path.name for path in tmp_path.iterdir()) == ["audio", "card.md", "lyrics", "recipe.json", TABLE]
    assert main([*args, "--pictures"]) == 0
    assert f"spectrograms of 8 songs in {tmp_path / 'mel'}; audio of 0 is unreadable" in capsys.readouterr().out
    store, table = open_store(tmp_path / "mel", MelSettings()), read_tracks(tmp_path / TABLE)
    # 1 s at 22,050 Hz, a frame every 512 samples and one more, as librosa counts with centred frames.
    assert set(store.n_frames(table.frame["track_id"])) == {22_050 // 512 + 1}
    drawn = {path.relative_to(tmp_path / "pictures") for path in tmp_path.rglob("*.jpg")}
    songs = zip(table.frame["mood"], table.frame["track_id"], strict=True)
    assert drawn == {Path("all") / mood / f"{track_id}.jpg" for mood, track_id in songs}
    assert main([*args, "--features"]) == 0
    assert capsys.readouterr().out.splitlines()[-1].startswith("spectrograms of 8 songs")


def test_songs_without_sound_have_no_spectrograms(tmp_path, capsys):
    (tmp_path / "songs.csv").write_text("id,mood,lyrics\na,sad,it rains and rains\n")
    out = ["--out", str(tmp_path / "out")]
    assert main(["folder", "--source", str(tmp_path / "songs.csv"), *out, "--features"]) == 1
    assert "no song has audio to make spectrograms of; leave out --features" in capsys.readouterr().err


@pytest.mark.parametrize("name", sorted(CORPORA.keys() - {"synthetic"}))
def test_a_missing_source_fails_in_one_line(tmp_path, capsys, name):
    assert main([name, "--source", str(tmp_path / "gone"), "--out", str(tmp_path / "out")]) == 1
    output = capsys.readouterr()
    assert output.out == ""
    assert output.err.startswith("data_prep: ")
    assert "does not exist" in output.err
    assert output.err.count("\n") == 1
