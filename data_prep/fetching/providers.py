"""The providers by name, each with what it needs: session, key, folder or consent."""

import os
from collections.abc import Mapping, Sequence
from pathlib import Path

from requests_cache import CachedSession

from data_prep.fetching.plan import FetchPlan
from data_prep.lyrics import LyricsProvider
from data_prep.lyrics.genius import GeniusPages
from data_prep.lyrics.local import LocalLyrics
from data_prep.lyrics.lrclib import Lrclib
from data_prep.previews import PreviewProvider
from data_prep.previews.deezer import Deezer
from data_prep.previews.itunes import ITunes
from data_prep.previews.jamendo import Jamendo
from data_prep.previews.local import LocalMusic
from data_prep.previews.spotify import SpotifyIdentity
from data_prep.web.services import Services, check_terms, keys_of

# Each builder takes (plan, session, services, keys).
PREVIEWS = {
    "local": lambda plan, session, services, keys: LocalMusic(_folder(plan.music_folder, "--music-folder")),
    "deezer": lambda plan, session, services, keys: Deezer(session, services.deezer),
    "itunes": lambda plan, session, services, keys: ITunes(session, services.itunes),
    "jamendo": lambda plan, session, services, keys: Jamendo(session, services.jamendo, keys["JAMENDO_CLIENT_ID"]),
    "spotify": lambda plan, session, services, keys: SpotifyIdentity(
        session, services, keys, take_previews="spotify" in plan.accept_terms
    ),
}
LYRICS = {
    "local": lambda plan, session, services, keys: LocalLyrics(_folder(plan.lyrics_folder, "--lyrics-folder")),
    "lrclib": lambda plan, session, services, keys: Lrclib(session, services.lrclib),
    "genius": lambda plan, session, services, keys: GeniusPages(
        session, services.genius, services.genius_pages, keys["GENIUS_ACCESS_TOKEN"]
    ),
}


def check_plan(plan: FetchPlan, environment: Mapping[str, str] = os.environ) -> None:
    """See that every provider is known, has its keys and its consent, before anything is fetched.

    Raises:
        ValueError: the first thing that is missing, and what works without it.
    """
    for kind, names, known in (("previews", plan.previews, PREVIEWS), ("lyrics", plan.lyrics, LYRICS)):
        for name in names:
            if name not in known:
                raise ValueError(f"--{kind} {name} is none of {', '.join(known)}")
            check_terms(name, plan.accept_terms)
            keys_of(name, environment)


def preview_providers(plan: FetchPlan, session: CachedSession, services: Services) -> Sequence[PreviewProvider]:
    return [PREVIEWS[name](plan, session, services, keys_of(name)) for name in plan.previews]


def lyrics_providers(plan: FetchPlan, session: CachedSession, services: Services) -> Sequence[LyricsProvider]:
    return [LYRICS[name](plan, session, services, keys_of(name)) for name in plan.lyrics]


def _folder(folder: Path | None, flag: str) -> Path:
    if folder is None:
        raise ValueError(f"the provider local needs {flag} DIR")
    return folder
