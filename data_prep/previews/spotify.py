"""Spotify: which recording a song is (id, ISRC, duration), for the providers named after it; needs an app's keys.

Its developer policy forbids feeding Spotify's content to a machine-learning model, and apps made since November 2024
get no preview at all. So by default no audio is taken from here: put `spotify` before `deezer`, and Deezer is searched
by ISRC instead of by names. `--accept-terms spotify` takes the preview if the API still returns its address to an old
app.
Policy: https://developer.spotify.com/policy
"""

from collections.abc import Mapping, Sequence
from pathlib import Path

from requests_cache import CachedSession
from spotipy import MemoryCacheHandler, Spotify, SpotifyClientCredentials, SpotifyException, SpotifyOauthError

from data_prep.previews import IDENTITY_ONLY, Found, NoAudioError, Wanted
from data_prep.previews.downloads import ExpiredError, download
from data_prep.web.services import Services
from data_prep.web.session import RefusedError

N_RESULTS = 10
"""More are refused since 2026."""


class SpotifyIdentity:
    """Identity of songs by Spotify."""

    name = "spotify"

    def __init__(
        self,
        session: CachedSession,
        services: Services,
        keys: Mapping[str, str],
        *,
        take_previews: bool = False,
    ):
        # The session is ours: spotipy's own would sleep for hours where Retry-After says so.
        manager = SpotifyClientCredentials(
            keys["SPOTIPY_CLIENT_ID"],
            keys["SPOTIPY_CLIENT_SECRET"],
            requests_session=session,
            cache_handler=MemoryCacheHandler(),
        )
        manager.OAUTH_TOKEN_URL = f"{services.spotify_accounts.url}/api/token"
        self._spotify = Spotify(auth_manager=manager, requests_session=session)
        self._session, self._take_previews = session, take_previews
        self._spotify.prefix = f"{services.spotify.url}/"

    def search(self, wanted: Wanted) -> Sequence[Found]:
        artist, title = (text.replace('"', " ") for text in (wanted.artist, wanted.title))
        try:
            results = self._spotify.search(f'artist:"{artist}" track:"{title}"', limit=N_RESULTS, type="track")
        except SpotifyOauthError as error:
            raise RefusedError(f"spotify: {error}; check SPOTIPY_CLIENT_ID and SPOTIPY_CLIENT_SECRET") from error
        except SpotifyException as error:
            if error.http_status in (401, 403):
                raise RefusedError(f"spotify: {error.msg}; check the app at developer.spotify.com") from error
            raise NoAudioError(f"Spotify error {error.http_status}") from error
        return [_found(track) for track in results["tracks"]["items"]]

    def fetch(self, found: Found, target: Path) -> Path:
        if not self._take_previews or not found.sound:
            raise NoAudioError(IDENTITY_ONLY)
        if not download(self._session, found.sound, target):
            raise ExpiredError("preview address refused")
        return target


def _found(track: dict) -> Found:
    return Found(
        provider=SpotifyIdentity.name,
        key=track["id"],
        artist=", ".join(artist["name"] for artist in track["artists"]),
        title=track["name"],
        duration_s=track["duration_ms"] / 1000,
        isrc=track.get("external_ids", {}).get("isrc"),
        page=track.get("external_urls", {}).get("spotify", ""),
        sound=track.get("preview_url") or "",
    )
