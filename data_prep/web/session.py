"""The one web session: rate limits across processes, retries with backoff, Retry-After honoured, answers cached.

All of this works below `requests`, so that it also applies to spotipy and lyricsgenius with their own loops.
"""

import time
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from email.utils import parsedate_to_datetime
from importlib.metadata import version
from pathlib import Path
from urllib.parse import urljoin, urlsplit

import requests
from pyrate_limiter import Limiter, Rate, SQLiteBucket
from requests.adapters import HTTPAdapter
from requests_cache import CachedSession, SQLiteCache
from tenacity import RetryCallState, Retrying, retry_if_exception_type, stop_after_attempt, wait_exponential_jitter

from data_prep.web.services import Service, Services

TIMEOUT_S = (5.0, 30.0)
"""To connect, and between two pieces of an answer."""
ATTEMPTS = 5
MAX_WAIT_S = 120.0
"""A service that asks for a longer pause is left alone until then; the run ends and can be taken up again."""
BUSY_WAIT_S = 5.0
"""Where a service says "later" but not when: Deezer counts over 5 s."""
MARGIN_S = 0.1
"""A service counts arrivals, not departures: its window is ours and a little more."""
CACHE_TIME = timedelta(days=30)
BROKEN_OFF = (
    requests.ConnectionError,
    requests.Timeout,
    requests.exceptions.ChunkedEncodingError,
    requests.exceptions.ContentDecodingError,
)
SECRETS = ("client_id", "client_secret", "access_token", "Authorization")
"""Never written into the cache."""


class PausedError(Exception):
    """A service wants to be left alone until a time, seconds since 1970."""

    def __init__(self, service: str, until: float):
        super().__init__(f"{service} asks to wait until {datetime.fromtimestamp(until, UTC):%Y-%m-%d %H:%M:%S} UTC")
        self.service, self.until = service, until


class UnreachableError(Exception):
    """A service gave no usable answer, and may give one another day."""


class RefusedError(Exception):
    """A service does not want this program or this key; asking again changes nothing."""


class _AgainError(Exception):
    def __init__(self, why: str, wait_s: float | None = None):
        super().__init__(why)
        self.wait_s = wait_s


class PoliteAdapter(HTTPAdapter):
    """Sends requests at the services' rates and repeats what failed."""

    def __init__(self, services: list[Service], folder: Path, now: Callable[[], float], sleep: Callable[[float], None]):
        """`folder` keeps the times of past requests: a program killed and started again still keeps the rate."""
        super().__init__()
        # The longest address first: "" fits every one.
        self._services = sorted(services, key=lambda service: -len(service.url))
        self._limiters: dict[str, Limiter] = {}
        self._folder, self._now, self._sleep = folder, now, sleep

    def send(self, request, stream=False, timeout=None, verify=True, cert=None, proxies=None):
        """The answer, read to its end: a body that was cut off is a failed attempt too."""
        service = next(service for service in self._services if request.url.startswith(service.url))

        if service.name not in self._limiters:
            self._limiters[service.name] = _limiter(service, self._folder)

        def attempt() -> requests.Response:
            self._limiters[service.name].try_acquire(service.name)
            try:
                response = super(PoliteAdapter, self).send(request, stream, timeout or TIMEOUT_S, verify, cert, proxies)
                response.content  # noqa: B018  reads the body here, where a failure is repeated
            except BROKEN_OFF as error:
                raise _AgainError(_broken_off(error, request.url)) from error
            self._check(response, service)
            return response

        retrying = Retrying(
            stop=stop_after_attempt(ATTEMPTS),
            wait=_wait_s,
            retry=retry_if_exception_type(_AgainError),
            sleep=self._sleep,
            reraise=True,
        )
        try:
            return retrying(attempt)
        except _AgainError as error:
            if error.wait_s is not None:
                raise PausedError(service.name, self._now() + MAX_WAIT_S) from error
            raise UnreachableError(f"{service.name}: {error}") from error

    def close(self) -> None:
        super().close()
        for limiter in self._limiters.values():
            limiter.close()
        self._limiters.clear()

    def _check(self, response: requests.Response, service: Service) -> None:
        if response.status_code in service.busy_statuses or error_code(response) in service.busy_codes:
            wait_s = retry_after_s(response.headers.get("Retry-After"), self._now())
            if wait_s > MAX_WAIT_S:
                raise PausedError(service.name, self._now() + wait_s)
            raise _AgainError(f"busy, status {response.status_code}", wait_s)
        if response.status_code >= 500:
            raise _AgainError(f"status {response.status_code}")
        # Refused here and not where it is read: what is let through is cached.
        if not service.gives_json or not response.ok:
            return
        if response.is_redirect:
            # A service may send on to another of its addresses; a login page of the network lies elsewhere, and what
            # came from there would be cached as the service's answer.
            target = urljoin(response.url, response.headers["Location"])
            if not target.startswith(f"{service.url}/"):
                raise _AgainError(f"redirected to {target.partition('?')[0]}, which is none of its addresses")
        elif not _is_json(response):
            raise _AgainError("an answer that is no JSON, or not all of it")


def open_session(
    folder: Path,
    services: Services,
    now: Callable[[], float] = time.time,
    sleep: Callable[[float], None] = time.sleep,
    rates: Path | None = None,
) -> CachedSession:
    """A session for all services, with its cache in `folder`.

    Args:
        rates: folder that keeps the times of past requests, for several sessions; None: `folder`.
        now: clock, seconds since 1970.
        sleep: waits so many seconds between attempts.
    """
    folder.mkdir(parents=True, exist_ok=True)
    session = CachedSession(
        backend=SQLiteCache(folder / "answers.sqlite", wal=True),
        expire_after=CACHE_TIME,
        allowable_codes=(200, 404),
        ignored_parameters=SECRETS,
        # The key is no part of what an answer is found by: "wrong key" must not outlive the wrong key.
        filter_fn=lambda response: error_code(response) is None,
    )
    known = [service for service in vars(services).values() if isinstance(service, Service)]
    adapter = PoliteAdapter(known, rates or folder, now, sleep)
    session.mount("http://", adapter)
    session.mount("https://", adapter)
    # LRCLIB asks for a name and a home.
    session.headers["User-Agent"] = (
        f"music-mood-fusion/{version('music-mood-fusion')} (research; audio and lyrics mood)"
    )
    return session


def retry_after_s(value: str | None, now: float) -> float:
    """Seconds a Retry-After header asks for, number or date; `BUSY_WAIT_S` where it says nothing usable."""
    if value is None:
        return BUSY_WAIT_S
    if value.strip().isdigit():
        return float(value)
    try:
        return max(0.0, parsedate_to_datetime(value).timestamp() - now)
    except ValueError:
        return BUSY_WAIT_S


def error_code(response: requests.Response) -> int | None:
    """Code of an error that came as status 200, None where it is no error.

    Deezer sends ``{"error": {"code": 4, ...}}``, Jamendo ``{"headers": {"code": 6, ...}, ...}`` with 0 for success.
    """
    if not response.content.lstrip().startswith((b'{"error"', b'{"headers"')):
        return None
    try:
        content = response.json()
    except ValueError:
        return None  # Cut off, or no JSON at all: neither success nor an error that has a code.
    told = content.get("error") or content.get("headers")
    return told.get("code") or None if isinstance(told, dict) else None


def _is_json(response: requests.Response) -> bool:
    try:
        return isinstance(response.json(), (dict, list))
    except ValueError:
        return False


def _broken_off(error: requests.RequestException, url: str) -> str:
    """What happened, without the address: urllib3 names it whole, with the song and its own classes."""
    host = urlsplit(url).hostname
    if isinstance(error, requests.ConnectionError):
        cause = getattr(error.args[0] if error.args else error, "reason", None) or error
        return f"{host} cannot be reached ({type(cause).__name__}); check the internet connection"
    return f"the answer of {host} broke off ({type(error).__name__})"


def _wait_s(state: RetryCallState) -> float:
    error = state.outcome.exception()
    return wait_exponential_jitter(initial=0.5, max=30)(state) if error.wait_s is None else error.wait_s


def _limiter(service: Service, folder: Path) -> Limiter:
    rate = Rate(service.calls, int(1000 * (service.period_s + MARGIN_S)))
    # On disk and locked between processes; a table a service, a file a service so that they do not wait on each other.
    path = folder / f"rate-{service.name}.sqlite"
    return Limiter(SQLiteBucket.init_from_file([rate], table=service.name, db_path=str(path), use_file_lock=True))
