"""Download of an audio file, and a check that it contains audio."""

import hashlib
from pathlib import Path

import requests
from requests_cache import DO_NOT_CACHE, CachedSession

from data_prep.previews import NoAudioError
from research.atomic import replacing
from research.features.audio import decode
from research.features.files import AudioError

MIN_AUDIO_S = 5.0
"""Less is no excerpt of a song; providers give 30 s."""
PROBE_S = 30.0
PROBE_RATE = 22_050
EXPIRED = (401, 403, 410)


class ExpiredError(NoAudioError):
    """The address of a sound is refused: it has run out, or this network is kept out for now."""


def download(session: CachedSession, url: str, target: Path) -> bool:
    """Write what an address gives to `target`; False where the address is no longer valid.

    Raises:
        NoAudioError: nothing is there.
    """
    answer = session.get(url, expire_after=DO_NOT_CACHE)
    if answer.status_code in EXPIRED:
        return False
    try:
        answer.raise_for_status()
    except requests.HTTPError as error:
        raise NoAudioError(f"download failed with status {answer.status_code}") from error
    with replacing(target) as partial:
        partial.write_bytes(answer.content)
    return True


def checked_sound(path: Path) -> dict[str, object]:
    """Decode a sound file; its SHA-256 and length.

    Raises:
        NoAudioError: it cannot be decoded or is shorter than `MIN_AUDIO_S`.
    """
    try:
        samples = decode(path, PROBE_RATE, duration_s=PROBE_S)
    except AudioError as error:
        raise NoAudioError("audio cannot be decoded") from error
    if len(samples) < MIN_AUDIO_S * PROBE_RATE:
        raise NoAudioError(f"audio shorter than {MIN_AUDIO_S:g} s")
    with path.open("rb") as file:
        return {"sha256": hashlib.file_digest(file, "sha256").hexdigest(), "checked_s": len(samples) // PROBE_RATE}
