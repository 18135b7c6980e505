"""Audio and lyrics of one song from the providers, in their order; each hit is checked, each failure recorded."""

import os
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path

import requests

from data_prep.fetching.ledger import Ledger, Outcome
from data_prep.lyrics import (
    INSTRUMENTAL,
    TRANSLATION,
    FoundLyrics,
    LyricsProvider,
    NoLyricsError,
    is_translation,
    judge,
)
from data_prep.matching import MIN_SCORE, match
from data_prep.previews import IDENTITY_ONLY, Found, NoAudioError, PreviewProvider, Wanted
from data_prep.previews.downloads import ExpiredError, checked_sound
from data_prep.web.session import UnreachableError
from research.atomic import write_text

Hit = Found | FoundLyrics
Provider = PreviewProvider | LyricsProvider
Take = Callable[[Wanted, Provider, Hit], dict[str, object]]
LOST = (NoAudioError, NoLyricsError, requests.HTTPError)
"""What makes one hit useless and leaves the others."""
BLOCKED = (401, 403)
"""Says nothing of the song: the service keeps out this network or this key."""
NOT_FOUND = "not found"
NO_MATCH = "only other songs found"


def fetch_sound(wanted: Wanted, providers: Sequence[PreviewProvider], folder: Path, ledger: Ledger) -> Outcome:
    """Sound of a song at `folder/<track id>.<suffix>`, verified, or why there is none."""
    return _first_taken(wanted, providers, lambda song, source, hit: _sound(song, source, hit, folder, ledger))


def fetch_words(wanted: Wanted, providers: Sequence[LyricsProvider], folder: Path) -> Outcome:
    """Words of a song at `folder/<track id>.txt`, or why there are none."""
    return _first_taken(wanted, providers, lambda song, source, hit: _words(song, source, hit, folder))


def _first_taken(wanted: Wanted, providers: Sequence[Provider], take: Take) -> Outcome:
    """The first hit that is the song and can be taken; what one provider knows of the song is told to the next."""
    tried: list[str] = []
    expired: set[str] = set()
    faults: list[str] = []
    for provider in providers:
        tried.append(provider.name)
        try:
            with _asking(provider):
                matches, fault = _matches(wanted, provider.search(wanted))
        except LOST as error:
            faults.append(_reason(error))
            continue
        if not matches:
            faults.append(fault)
        for score, hit in matches:
            wanted = replace(wanted, isrc=wanted.isrc or hit.isrc, duration_s=wanted.duration_s or hit.duration_s)
            try:
                with _asking(provider):
                    detail = take(wanted, provider, hit) | {"score": score}
            except ExpiredError as error:
                # Not tried to the end: a later run asks this provider again.
                expired.add(provider.name)
                faults.append(_reason(error))
            except LOST as error:
                faults.append(_reason(error))
            else:
                return Outcome(track_id=wanted.track_id, kept=True, tried=tuple(tried), detail=detail)
    settled = tuple(name for name in tried if name not in expired)
    return Outcome(track_id=wanted.track_id, kept=False, reason=_furthest(faults), tried=settled)


@contextmanager
def _asking(provider: Provider) -> Iterator[None]:
    """
    Raises:
        UnreachableError: the provider will not answer now, which must not count as a song it does not have.
    """
    try:
        yield
    except requests.TooManyRedirects as error:
        raise UnreachableError(f"{provider.name}: {error}") from error
    except requests.HTTPError as error:
        if error.response.status_code not in BLOCKED:
            raise
        raise UnreachableError(
            f"{provider.name} answers {error.response.status_code}: it blocks this network or key for now; "
            "wait an hour, or use another network"
        ) from error


def _sound(wanted: Wanted, provider: PreviewProvider, found: Found, folder: Path, ledger: Ledger) -> dict[str, object]:
    target = folder / f"{wanted.track_id}{found.suffix}"
    claim, claimed = f"sound {wanted.track_id}", f"{found.provider} {found.key}"
    # A run killed between file and outcome left a whole file: if it is this recording's, it need not come again.
    if target.is_file() and ledger.noted(claim) == claimed:
        checked = checked_sound(target)
    else:
        target.unlink(missing_ok=True)
        ledger.note(claim, claimed)
        target, checked = _fetched_sound(provider, found, target)
    return {
        "provider": found.provider,
        "key": found.key,
        "page": found.page,
        "isrc": found.isrc or wanted.isrc,
        "duration_s": found.duration_s,
        "licence": found.licence,
        "path": target.name if target.parent == folder else str(target),
        **checked,
    }


def _fetched_sound(provider: PreviewProvider, found: Found, target: Path) -> tuple[Path, dict[str, object]]:
    """Where the sound now is, a user's own file or `target`, and what the check told; a bad file never stands there."""
    # With the sound's own suffix, under which it is decoded; and there may be none to move.
    partial = target.with_name(f"{target.stem}.part{target.suffix}")
    path = provider.fetch(found, partial)
    try:
        checked = checked_sound(path)
    except NoAudioError:
        partial.unlink(missing_ok=True)
        raise
    if path != partial:
        return path, checked
    os.replace(partial, target)
    return target, checked


def _words(wanted: Wanted, provider: LyricsProvider, found: FoundLyrics, folder: Path) -> dict[str, object]:
    if found.instrumental:
        raise NoLyricsError(INSTRUMENTAL)
    words = judge(provider.fetch(found))
    write_text(folder / f"{wanted.track_id}.txt", words.text)
    return {
        "provider": found.provider,
        "key": found.key,
        "page": found.page,
        "language": words.language,
        "n_letters": len(words.text),
    }


def _matches(wanted: Wanted, hits: Sequence[Hit]) -> tuple[list[tuple[float, Hit]], str]:
    """Hits that are the song, the likest first, and what is wrong with the others."""
    originals = [hit for hit in hits if not is_translation(hit, wanted)]
    scored = [(match(wanted, hit), hit) for hit in originals]
    good = [(result.score, hit) for result, hit in scored if result.score >= MIN_SCORE]
    if not scored:
        return [], TRANSLATION if hits else NOT_FOUND
    # The provider's own best hit says best what went wrong.
    return sorted(good, key=lambda pair: -pair[0]), f"{NO_MATCH}: {scored[0][0].fault or 'names not alike enough'}"


def _reason(error: Exception) -> str:
    if isinstance(error, requests.HTTPError):
        return f"answered with status {error.response.status_code}"
    return str(error)


def _furthest(faults: Sequence[str]) -> str:
    """Of several providers' faults the one that came nearest to the song."""
    other = [fault for fault in faults if fault not in (NOT_FOUND, IDENTITY_ONLY)]
    telling = [fault for fault in other if not fault.startswith(NO_MATCH)]
    return next(iter([*telling, *other, *reversed(faults), NOT_FOUND]))
