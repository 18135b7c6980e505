"""Audio files below a folder."""

from pathlib import Path

from research.features.files import AUDIO_SUFFIXES


def audio_files(root: Path) -> list[Path]:
    """Audio files below `root` by suffix, in alphabetical order; hidden files and folders are passed over.

    Raises:
        FileNotFoundError: `root` is no folder.
    """
    if not root.is_dir():
        raise FileNotFoundError(f"{root} does not exist or is no folder; name the folder that holds the audio")
    return sorted(path for path in root.rglob("*") if path.suffix.lower() in AUDIO_SUFFIXES and _is_shown(path, root))


def _is_shown(path: Path, root: Path) -> bool:
    return not any(part.startswith(".") for part in path.relative_to(root).parts) and path.is_file()
