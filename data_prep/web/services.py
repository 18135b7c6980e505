"""The web services, where they are and what they allow: addresses, rates, keys and terms in one place."""

import os
from collections.abc import Collection, Mapping
from dataclasses import dataclass


@dataclass(frozen=True, kw_only=True)
class Service:
    """A web service and the manners it asks for."""

    name: str
    url: str
    """What its addresses begin with; no slash at the end."""
    calls: int
    period_s: float
    """At most `calls` in any `period_s`."""
    busy_statuses: tuple[int, ...] = (429, 503)
    """Statuses that mean "later"."""
    busy_codes: tuple[int, ...] = ()
    """Error codes inside an answer of status 200 that mean "later"."""
    gives_json: bool = True
    """Whether anything else (a login page of the network, say) is no answer."""


@dataclass(frozen=True, kw_only=True)
class Services:
    """All services the pipeline may ask; tests put their own in place."""

    # Source of rates: developers.deezer.com (50 in 5 s); Apple's search API page (about 20 a minute); the others
    # publish none, so one or a few a second.
    deezer: Service = Service(name="deezer", url="https://api.deezer.com", calls=50, period_s=5, busy_codes=(4, 700))
    itunes: Service = Service(
        name="itunes", url="https://itunes.apple.com", calls=20, period_s=60, busy_statuses=(403, 429, 503)
    )
    """Says 403 where it is asked too often."""
    jamendo: Service = Service(name="jamendo", url="https://api.jamendo.com/v3.0", calls=5, period_s=1, busy_codes=(6,))
    spotify: Service = Service(name="spotify", url="https://api.spotify.com/v1", calls=5, period_s=1)
    spotify_accounts: Service = Service(
        name="spotify_accounts", url="https://accounts.spotify.com", calls=1, period_s=1
    )
    lrclib: Service = Service(name="lrclib", url="https://lrclib.net/api", calls=10, period_s=1)
    genius: Service = Service(name="genius", url="https://api.genius.com", calls=2, period_s=1)
    genius_pages: Service = Service(
        name="genius_pages", url="https://genius.com", calls=1, period_s=1, gives_json=False
    )
    downloads: Service = Service(name="downloads", url="", calls=20, period_s=1, gives_json=False)
    """Any other address: where the services keep their sound files."""


PUBLIC = Services()


@dataclass(frozen=True, kw_only=True)
class Key:
    """What a provider needs before it can be asked."""

    variables: tuple[str, ...]
    where: str


KEYS = {
    "jamendo": Key(variables=("JAMENDO_CLIENT_ID",), where="free at https://devportal.jamendo.com"),
    "spotify": Key(
        variables=("SPOTIPY_CLIENT_ID", "SPOTIPY_CLIENT_SECRET"),
        where="from an app of your own at https://developer.spotify.com/dashboard",
    ),
    "genius": Key(variables=("GENIUS_ACCESS_TOKEN",), where="free at https://genius.com/api-clients"),
}
TERMS = {
    "genius": "Genius' terms forbid scraping, and its words are read from its pages; where your law allows it for "
    "research (text and data mining) say --accept-terms genius; lrclib needs neither key nor consent",
}
NO_KEY = "local, deezer and itunes for sound, local and lrclib for lyrics"


def keys_of(provider: str, environment: Mapping[str, str] = os.environ) -> dict[str, str]:
    """Keys a provider needs, by variable.

    Raises:
        ValueError: one is not set; says which, where to get it and what works without.
    """
    if provider not in KEYS:
        return {}
    key = KEYS[provider]
    if missing := [name for name in key.variables if not environment.get(name)]:
        raise ValueError(
            f"{provider} needs the environment variable {' and '.join(missing)}, {key.where}; "
            f"without any key work {NO_KEY}"
        )
    return {name: environment[name] for name in key.variables}


def check_terms(provider: str, accepted: Collection[str]) -> None:
    """Let a provider through whose terms were accepted by name, or that has none.

    Raises:
        ValueError: they were not accepted; says what they are.
    """
    if provider in TERMS and provider not in accepted:
        raise ValueError(TERMS[provider])
