"""How a user's mistake reaches the user."""

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
