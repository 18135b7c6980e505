"""One song by its names, for the web page: sound by Spotify's identity (if keys) and Deezer, words by LRCLIB."""

from collections.abc import Callable
from contextlib import closing
from pathlib import Path
from tempfile import TemporaryDirectory

from requests_cache import CachedSession

from data_prep.fetching.ledger import Ledger, Outcome
from data_prep.fetching.one_song import fetch_sound, fetch_words
from data_prep.fetching.plan import FetchPlan
from data_prep.fetching.providers import lyrics_providers, preview_providers
from data_prep.previews import Wanted
from data_prep.web.services import PUBLIC, Services, keys_of
from data_prep.web.session import PausedError, RefusedError, UnreachableError, open_session
from research.demo.lookup import FoundSong, NotFoundError

TRACK_ID = "song"
UNANSWERED = (PausedError, UnreachableError, RefusedError)


class WebLookup:
    """Asks the services that work today; what they answer is not kept."""

    def __init__(self, services: Services = PUBLIC):
        self._services = services
        previews = ("spotify", "deezer") if _has_keys("spotify") else ("deezer",)
        self._plan = FetchPlan(previews=previews, lyrics=("lrclib",))
        # One for all visitors: together they keep to the services' rates. Nothing but times is written there.
        self._rates = TemporaryDirectory(prefix="rates-")
        self.services = f"audio: 30 s previews of {' and '.join(previews)}; lyrics: LRCLIB"

    def sound(self, artist: str, title: str, folder: Path) -> FoundSong:
        def fetch(session: CachedSession, wanted: Wanted, ledger: Ledger) -> Outcome:
            return fetch_sound(wanted, preview_providers(self._plan, session, self._services), folder, ledger)

        detail = self._fetched("audio", artist, title, fetch)
        return FoundSong(path=folder / detail["path"], provider=detail["provider"], page=detail["page"])

    def words(self, artist: str, title: str, folder: Path) -> str:
        def fetch(session: CachedSession, wanted: Wanted, ledger: Ledger) -> Outcome:
            return fetch_words(wanted, lyrics_providers(self._plan, session, self._services), folder)

        self._fetched("lyrics", artist, title, fetch)
        return (folder / f"{TRACK_ID}.txt").read_text(encoding="utf-8")

    def _fetched(self, what: str, artist: str, title: str, fetch: Callable) -> dict[str, object]:
        wanted = Wanted(track_id=TRACK_ID, artist=artist, title=title)
        with (
            TemporaryDirectory(prefix="lookup-") as work,
            open_session(Path(work), self._services, rates=Path(self._rates.name)) as session,
            closing(Ledger(Path(work) / "ledger.sqlite")) as ledger,
        ):
            try:
                outcome = fetch(session, wanted, ledger)
            except UNANSWERED as error:
                raise NotFoundError(f"the service for {what} cannot be asked now: {error}") from error
        if not outcome.kept:
            raise NotFoundError(f"no {what} of “{title}” by {artist}: {outcome.reason}")
        return outcome.detail


def _has_keys(provider: str) -> bool:
    try:
        return bool(keys_of(provider))
    except ValueError:
        return False
