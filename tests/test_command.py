"""How a user's mistake reaches the user."""

import subprocess
import sys
from dataclasses import dataclass

import pytest

from research.command import run_command


@dataclass(frozen=True, kw_only=True)
class Config:
    songs: int = 3


def refuse(config: Config) -> None:
    raise ValueError(f"{config.songs} songs are too few; add some")


def test_a_mistake_is_one_line(monkeypatch):
    monkeypatch.setattr("sys.argv", ["experiment", "--songs", "2"])
    monkeypatch.delenv("MOOD_TRACEBACK", raising=False)
    with pytest.raises(SystemExit) as stop:
        run_command(refuse, Config, "An experiment.")
    assert stop.value.code == "error: 2 songs are too few; add some (MOOD_TRACEBACK=1 shows where)"


def test_the_traceback_is_there_for_who_asks(monkeypatch):
    monkeypatch.setattr("sys.argv", ["experiment"])
    monkeypatch.setenv("MOOD_TRACEBACK", "1")
    with pytest.raises(ValueError, match="3 songs are too few"):
        run_command(refuse, Config, "An experiment.")


HEADER = """Which is better?

Run: python one.py
     --with words
     python two.py
Two models are compared, which takes
a while. Writes to reports/ too.
Cost: 3 s.
"""


def test_help_sets_commands_and_cost_apart(monkeypatch, capsys):
    monkeypatch.setattr("sys.argv", ["experiment", "--help"])
    with pytest.raises(SystemExit):
        run_command(refuse, Config, HEADER)
    paragraphs = capsys.readouterr().out.split("\n\n")[1:5]
    assert paragraphs == [
        "Which is better?",
        "Run: python one.py\n     --with words\n     python two.py",
        "Two models are compared, which takes a while. Writes to reports/ too.",
        "Cost: 3 s.",
    ]


def test_a_worker_that_hangs_up_is_told(monkeypatch):
    def lose_worker(_):
        raise BrokenPipeError(32, "worker")

    monkeypatch.setattr("sys.argv", ["experiment"])
    with pytest.raises(BrokenPipeError, match="worker"):
        run_command(lose_worker, Config, "An experiment.")


TALKATIVE = """
import dataclasses
from research.command import run_command
run_command(lambda config: print("word " * 100_000), dataclasses.make_dataclass("Config", []), "")
"""


def test_a_reader_who_has_seen_enough_sees_no_traceback():
    shown = subprocess.Popen([sys.executable, "-c", TALKATIVE], stdout=subprocess.PIPE, stderr=subprocess.PIPE)
    shown.stdout.close()
    assert shown.stderr.read() == b""
    assert shown.wait() == 1
