"""The command `mood` on files, folders and corpora, good and bad."""

import csv
import io
import json
import os
import re
import socket
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from data_prep.table.audio_files import audio_files
from research.cli import DEFAULT_RUN, main
from research.commands.predict import find_songs
from research.features.files import AUDIO_SUFFIXES
from research.models import precision
from research.runs import RunFolder

MAKEFILE = Path(__file__).parents[2] / "Makefile"


def test_help_needs_no_heavy_import():
    program = "import sys; from research.cli import _parser; _parser(); print(*sys.modules)"
    loaded = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True).stdout.split()
    assert not {"numpy", "torch", "matplotlib", "gradio", "transformers"} & set(loaded)


def test_an_answer_waits_for_no_library_that_it_does_not_need():
    program = "import sys, research.commands.predict; print(*sys.modules)"
    loaded = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True).stdout.split()
    assert not {"matplotlib", "sklearn", "gradio", "captum", "librosa", "wandb"} & set(loaded)


@pytest.mark.parametrize(
    ("ending", "status"),
    [
        ("print('all') or 0", 0),
        ("print('all') or 1", 1),
        ("sys.exit(2)", 2),
        ("(_ for _ in ()).throw(KeyboardInterrupt)", 130),
    ],
)
def test_the_program_ends_with_the_status_of_its_work_and_all_it_printed(ending, status):
    ended = _program(ending, stdout=subprocess.PIPE)
    assert (ended.returncode, ended.stderr) == (status, "")
    assert ended.stdout == ("all\n" if status < 2 else "")


def test_the_program_ends_quietly_when_its_reader_has_gone():
    read, write = os.pipe()
    os.close(read)
    ended = _program("print('an answer')", stdout=write)
    os.close(write)
    assert (ended.returncode, ended.stderr) == (1, "")


def test_the_program_leaves_no_temporary_folder(tmp_path):
    work = f"globals().update(kept=__import__('tempfile').TemporaryDirectory(dir={str(tmp_path)!r})) or 0"
    assert _program(work, stdout=subprocess.PIPE).returncode == 0
    assert not list(tmp_path.iterdir())


def _program(work: str, stdout: int) -> subprocess.CompletedProcess:
    """`mood` as a process, with `work` for its subcommands' part."""
    code = f"import sys; from research import cli; cli.main = lambda: {work}; cli.program()"
    return subprocess.run([sys.executable, "-c", code], stdout=stdout, stderr=subprocess.PIPE, text=True, check=False)


@pytest.fixture
def folder(trained, tmp_path):
    """Three songs, one with words, one in a subfolder, one broken."""
    _, songs = trained
    (tmp_path / "deep").mkdir()
    for row, name in enumerate(("a.flac", "deep/b.flac")):
        (tmp_path / name).write_bytes(songs.tracks.audio_path(row).read_bytes())
    (tmp_path / "a.txt").write_text("some words of joy that everybody knows")
    (tmp_path / "broken.mp3").write_text("no sound")
    return tmp_path


def test_a_folder_is_judged_past_a_bad_file(trained, folder, capsys):
    status = main(["predict", str(folder), "--run", str(trained[0].path), "--json"])
    told = capsys.readouterr()
    answers = [json.loads(line) for line in told.out.splitlines()]
    assert status == 1
    assert "broken.mp3 cannot be decoded" in told.err
    assert "2 of 3 songs judged" in told.err
    assert [(one["heard"], one["read"]) for one in answers] == [(True, True), (True, False)]
    assert answers[0]["mood"] == max(answers[0]["probabilities"], key=answers[0]["probabilities"].get)
    assert answers[0]["curve"][0]["start_s"] == 0


def test_of_a_folder_every_kind_of_sound_is_taken_that_a_corpus_is_made_of(tmp_path):
    for name in [*(f"song{suffix}" for suffix in AUDIO_SUFFIXES), "LOUD.CAF", "words.txt", "._song.mp3"]:
        (tmp_path / name).touch()
    assert find_songs([tmp_path]) == audio_files(tmp_path)
    assert len(audio_files(tmp_path)) == len(AUDIO_SUFFIXES) + 1


def test_songs_of_a_folder_that_cannot_be_decoded_are_listed_with_the_reason(trained, folder, capsys):
    (folder / "apple.m4a").write_bytes(b"\0\0\0\x20ftypM4A ")
    (folder / "empty.mp3").touch()
    assert main(["predict", str(folder), "--run", str(trained[0].path), "--csv"]) == 1
    told = capsys.readouterr().err
    assert re.search(r"apple\.m4a cannot be decoded \(.+\); get it again, or convert it to WAV, FLAC, MP3 or Ogg", told)
    assert "empty.mp3 cannot be decoded (it is empty); " in told
    assert "broken.mp3 cannot be decoded (damaged, or no MP3); " in told
    assert "2 of 5 songs judged" in told


def test_csv_and_text_say_the_same(trained, folder, capsys):
    assert main(["predict", str(folder / "a.flac"), "--run", str(trained[0].path), "--csv"]) == 0
    (row,) = csv.DictReader(io.StringIO(capsys.readouterr().out))
    assert sum(float(row[mood]) for mood in ("happy", "angry", "sad", "relaxed")) == pytest.approx(1, abs=2e-4)
    assert float(row["audio"]) + float(row["lyrics"]) == pytest.approx(1, abs=2e-4)
    assert main(["predict", str(folder / "a.flac"), "--run", str(trained[0].path)]) == 0
    assert f"{row['mood']} {float(row['confidence']):.2f}" in capsys.readouterr().out


def test_csv_names_no_column_twice(trained_tags, folder, capsys):
    run = str(trained_tags[0].path)
    assert main(["predict", str(folder / "a.flac"), "--run", run, "--csv"]) == 0
    (row,) = csv.DictReader(io.StringIO(capsys.readouterr().out))
    assert main(["predict", str(folder / "a.flac"), "--run", run, "--json"]) == 0
    answer = json.loads(capsys.readouterr().out)
    assert float(row["sad"]) == pytest.approx(answer["probabilities"]["sad"], abs=1e-4)
    assert float(row["tag:sad"]) == pytest.approx(answer["tags"]["sad"], abs=1e-4)
    assert float(row["tag:calm"]) == pytest.approx(answer["tags"]["calm"], abs=1e-4)
    assert "calm" not in row


@pytest.mark.parametrize(("words", "why"), [(None, "cannot be read"), (b"\xff\xfe", "is not UTF-8 text")])
def test_lyrics_that_cannot_be_read_are_refused_before_the_model_is_loaded(folder, tmp_path, capsys, words, why):
    if words is not None:
        (tmp_path / "words.txt").write_bytes(words)
    no_run = str(tmp_path / "no-run")
    asked = ["predict", str(folder / "a.flac"), "--lyrics", str(tmp_path / "words.txt"), "--run", no_run]
    assert main(asked) == 2
    told = capsys.readouterr()
    assert f"{tmp_path / 'words.txt'} {why}" in told.err
    assert "no-run" not in told.err
    assert told.out == ""


def test_songs_judged_without_words_that_cannot_be_read_are_counted_apart(trained, folder, capsys):
    (folder / "a.txt").write_bytes(b"\xff\xfe")
    asked = ["--run", str(trained[0].path), "--json"]
    assert main(["predict", str(folder), *asked]) == 1
    told = capsys.readouterr()
    assert "2 of 3 songs judged, 1 of them by audio alone" in told.err
    assert f"{folder / 'a.txt'} is not UTF-8 text" in told.err
    assert [json.loads(line)["read"] for line in told.out.splitlines()] == [False, False]
    assert main(["predict", str(folder / "a.flac"), *asked]) == 1
    assert "a.flac is judged by audio alone" in capsys.readouterr().err


@pytest.mark.parametrize("command", ["predict", "evaluate"])
def test_precise_answers_are_those_of_fp32(trained, folder, small_table, monkeypatch, command, capsys):
    monkeypatch.setattr(precision, "_forgone", False)  # and so again after the test
    run = str(trained[0].path)
    asked = [str(folder / "a.flac"), "--run", run] if command == "predict" else [run, "--tracks", str(small_table)]
    assert main([command, *asked, "--json", "--precise"]) == 0
    found = capsys.readouterr().out
    monkeypatch.setattr(precision, "_forgone", False)
    monkeypatch.setattr(precision, "cpu_computes_bf16", lambda: False)
    assert main([command, *asked, "--json"]) == 0
    assert found == capsys.readouterr().out


def test_the_curve_is_drawn(trained, folder, capsys):
    picture = folder / "curve.png"
    asked = ["predict", str(folder / "a.flac"), "--run", str(trained[0].path), "--curve", str(picture)]
    assert main(asked) == 0
    assert picture.read_bytes()[:4] == b"\x89PNG"
    assert main(["predict", str(folder), *asked[2:]]) == 2
    assert "--curve goes with a single song" in capsys.readouterr().err


@pytest.mark.parametrize(("picture", "why"), [("curve.words", "'words' is not supported"), ("no/curve.png", "No such")])
def test_a_curve_that_cannot_be_drawn_costs_no_answer(trained, folder, capsys, picture, why):
    asked = ["predict", str(folder / "a.flac"), "--run", str(trained[0].path), "--curve", str(folder / picture)]
    assert main(asked) == 1
    told = capsys.readouterr()
    assert "a.flac:" in told.out
    assert "Traceback" not in told.err
    assert f"{picture} is not drawn:" in told.err
    assert why in told.err
    assert not list(folder.glob("curve*"))


def test_nothing_to_judge_or_to_judge_with_is_wrong_usage(trained, tmp_path, capsys):
    assert main(["predict", "song.mp3", "--run", str(tmp_path)]) == 2
    assert "is no run folder" in capsys.readouterr().err
    assert main(["predict", str(tmp_path), "--run", str(trained[0].path)]) == 2
    assert "contains no audio file" in capsys.readouterr().err


def test_a_port_that_is_taken_is_told_with_the_next_step(trained, capsys):
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = str(taken.getsockname()[1])
        assert main(["demo", "--run", str(trained[0].path), "--port", port]) == 2
    told = capsys.readouterr().err
    assert f"mood: the page cannot be served at 127.0.0.1:{port}:" in told
    assert "choose another --port" in told


def test_without_a_default_model_the_command_that_makes_it_is_named(tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    for command in (["predict", "song.mp3"], ["demo"]):
        assert main(command) == 2
        assert "`make model` trains it on invented songs" in capsys.readouterr().err


def test_the_default_model_is_what_the_main_job_trains_there(small_songs, tmp_path, monkeypatch):
    from experiments import default_model, fusion

    trials = []
    for experiment in (default_model, fusion):
        monkeypatch.setattr(experiment, "load_corpus", lambda *_: small_songs)
        monkeypatch.setattr(experiment, "run_trial", lambda _, trial: trials.append(trial))
    monkeypatch.setattr(fusion, "report", lambda *_, **__: None)
    default_model.main(default_model.Config(out=tmp_path / DEFAULT_RUN.name))
    folds = re.search(r"^synthetic_FLAGS := --folds (\d+)", MAKEFILE.read_text(), re.MULTILINE)[1]
    fusion.main(fusion.Config(out=tmp_path, folds=int(folds)))
    default, (same,) = trials[0], [trial for trial in trials[1:] if trial.folder == trials[0].folder]
    assert replace(default, split=None) == replace(same, split=None)
    np.testing.assert_array_equal(default.split.test, same.split.test)


def test_an_answer_of_an_interrupted_run_says_so(trained, folder, tmp_path, capsys):
    run = RunFolder.open(tmp_path / "run", trained[0].config)
    run.weights.write_bytes(trained[0].weights.read_bytes())
    for path, said in ((run.path, True), (trained[0].path, False)):
        assert main(["predict", str(folder / "a.flac"), "--run", str(path)]) == 0
        assert ("training is not finished" in capsys.readouterr().err) == said
