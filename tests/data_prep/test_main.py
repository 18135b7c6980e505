"""The command line: it teaches, prints the data card and fails in one line."""

import subprocess
import sys

import pytest

from data_prep.__main__ import CORPORA, data_sheet, main
from research.tracks import read_tracks

HEAVY = ("torch", "pandas", "librosa", "soundfile", "transformers")


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


@pytest.mark.parametrize("name", ["folder", "qaed4", "mirex_like", "nju_musicmood", "lastfm"])
def test_a_missing_source_fails_in_one_line(tmp_path, capsys, name):
    assert main([name, "--source", str(tmp_path / "gone.csv"), "--out", str(tmp_path / "out")]) == 1
    output = capsys.readouterr()
    assert output.out == ""
    assert output.err.startswith("data_prep: ")
    assert "does not exist" in output.err
    assert output.err.count("\n") == 1
