"""From labelled songs to audio and lyrics, in stages that can be stopped at any moment and resumed."""

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

from tqdm import tqdm

from data_prep.fetching.ledger import Ledger, Outcome
from data_prep.fetching.one_song import fetch_sound, fetch_words
from data_prep.fetching.plan import FetchPlan
from data_prep.fetching.providers import lyrics_providers, preview_providers
from data_prep.lastfm.labelling import Labelled
from data_prep.previews import Wanted
from data_prep.web.services import Services
from data_prep.web.session import PausedError, RefusedError, UnreachableError, open_session

STATE = "state"
"""Folder for what a run needs to go on; safe to delete, then everything is asked for again."""
SOUND, WORDS = "sound", "words"
MAX_UNREACHABLE = 3
"""Songs in a row that could not be asked for: the service is down, not the song missing."""


@dataclass(frozen=True)
class Clock:
    """Time, so that a day's wait need not take a day in a test."""

    now: Callable[[], float] = time.time
    """Seconds since 1970."""
    sleep: Callable[[float], None] = time.sleep


WALL_CLOCK = Clock()


@dataclass(frozen=True)
class Fetched:
    """How far a run came."""

    sound: dict[str, Outcome]
    words: dict[str, Outcome]
    stopped: tuple[str, ...]
    """Why stages ended early; empty where all songs are done."""


def open_ledger(out: Path) -> Ledger:
    return Ledger(out / STATE / "ledger.sqlite")


def fetch_all(
    songs: Sequence[Labelled], plan: FetchPlan, out: Path, services: Services, clock: Clock = WALL_CLOCK
) -> Fetched:
    """Fetch what is still missing of the songs' sound (`out/audio`) and words (`out/lyrics`).

    A pause that a service asks for, an interrupt from the keyboard or a service that is down ends the run early and
    loses nothing: called again, it goes on with the next song.
    """
    ledger = open_ledger(out)
    session = open_session(out / STATE, services, clock.now, clock.sleep)
    audio, lyrics = out / "audio", out / "lyrics"
    for folder in (audio, lyrics):
        folder.mkdir(parents=True, exist_ok=True)
    sources, pages = preview_providers(plan, session, services), lyrics_providers(plan, session, services)
    stages = (
        Stage(SOUND, plan.previews, lambda wanted: fetch_sound(wanted, sources, audio, ledger), audio),
        Stage(WORDS, plan.lyrics, lambda wanted: fetch_words(wanted, pages, lyrics), lyrics),
    )
    wanted = [
        Wanted(track_id=song.track_id, artist=song.artist, title=song.title, duration_s=song.duration_s)
        for song in songs
    ]
    stopped = []
    try:
        for stage in stages:
            stopped += run_stage(stage, wanted, ledger, clock)
    except KeyboardInterrupt:
        stopped.append("interrupted from the keyboard")
    fetched = Fetched(ledger.outcomes(SOUND), ledger.outcomes(WORDS), tuple(stopped))
    session.close()
    ledger.close()
    return fetched


@dataclass(frozen=True)
class Stage:
    """One thing fetched for every song."""

    name: str
    providers: tuple[str, ...]
    fetch: Callable[[Wanted], Outcome]
    folder: Path


def run_stage(stage: Stage, wanted: Sequence[Wanted], ledger: Ledger, clock: Clock) -> list[str]:
    """Fetch what has no outcome yet, each outcome on disk before the next song; why it ended early, if it did."""
    pause = f"pause {stage.name} {' '.join(stage.providers)}"
    until = float(ledger.noted(pause) or 0)
    if clock.now() < until:
        return [f"{stage.name}: {PausedError(' or '.join(stage.providers), until)}"]
    done = ledger.outcomes(stage.name)
    missing = [song for song in wanted if not is_settled(done.get(song.track_id), stage)]
    failed, in_a_row, why = 0, 0, ""
    for song in tqdm(missing, desc=stage.name, unit="song", disable=None):
        try:
            ledger.record(stage.name, stage.fetch(song))
            in_a_row = 0
        except PausedError as error:
            ledger.note(pause, str(error.until))
            return [f"{stage.name}: {error}"]
        except RefusedError as error:
            return [f"{stage.name}: {error}"]
        except UnreachableError as error:
            failed, in_a_row, why = failed + 1, in_a_row + 1, str(error)
            if in_a_row == MAX_UNREACHABLE:
                return [f"{stage.name}: {error}"]
    return [f"{stage.name}: {failed} songs could not be asked for, the last because: {why}"] if failed else []


def is_settled(outcome: Outcome | None, stage: Stage) -> bool:
    """Whether a song needs no more work: its file is there, or every provider named was asked."""
    if outcome is None:
        return False
    if not outcome.kept:
        return set(stage.providers) <= set(outcome.tried)
    return (stage.folder / str(outcome.detail.get("path", f"{outcome.track_id}.txt"))).is_file()
