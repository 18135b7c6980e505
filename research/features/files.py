"""Opening audio files of any kind, by libsndfile or, for containers that it does not read, by FFmpeg."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import soundfile

from research.features.containers import CONTAINER_SUFFIXES, ContainerError, ContainerFile, is_container

AUDIO_SUFFIXES = CONTAINER_SUFFIXES | {
    *(".wav", ".flac", ".ogg", ".oga", ".opus", ".mp3", ".aif", ".aiff", ".aifc", ".au", ".caf", ".w64", ".rf64")
}
"""Of files that are taken from a folder."""
AudioFile = soundfile.SoundFile | ContainerFile


class AudioError(ValueError):
    """A sound file that cannot be used; the message names the file and the next step."""


@contextmanager
def open_audio(path: Path, called: str | None = None) -> Iterator[AudioFile]:
    """A sound file to read from: `samplerate`, `channels`, `frames`, `seek` and `read`.

    Args:
        called: what the message of an error calls it; None: its path.

    Raises:
        AudioError: missing, empty, or no audio that can be decoded; also if that shows while it is read.
    """
    called = called or str(path)
    if not path.is_file():
        raise AudioError(f"{called} does not exist or is no file; check its path, in a table the column audio")
    try:
        file = ContainerFile(path) if is_container(path) else _Onward(path)
    except (soundfile.LibsndfileError, OSError) as error:
        raise _refusal(path, called, error) from error
    with file:
        try:
            yield file
        except (soundfile.LibsndfileError, ContainerError) as error:
            raise _refusal(path, called, error) from error


class _Onward(soundfile.SoundFile):
    """Reads on from where it stands. soundfile itself seeks to that place after every read, for which an MP3 decodes
    frames again."""

    def seekable(self) -> bool:
        return False


def _refusal(path: Path, called: str, error: soundfile.LibsndfileError | OSError) -> AudioError:
    return AudioError(
        f"{called} cannot be decoded ({_told(path, error)}); get it again, or convert it to WAV, FLAC, MP3 or Ogg"
    )


def _told(path: Path, error: soundfile.LibsndfileError | OSError) -> str:
    """Why a file that exists is not decoded; of a bad MP3 libsndfile says that there is no such file."""
    if path.stat().st_size == 0:
        return "it is empty"
    if isinstance(error, OSError):
        return error.strerror or str(error)
    told = error.error_string.strip()
    return "damaged, or no MP3" if told.startswith("File does not exist") else told
