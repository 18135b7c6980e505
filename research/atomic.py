"""Atomic writing of files and folders: under a partial name beside the target, then moved over it.

A partial name ends in `.part`, so that no search for songs, lyrics or runs mistakes it for a finished file.
"""

import os
import secrets
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path


@contextmanager
def replacing(path: Path, *, shared: bool = False) -> Iterator[Path]:
    """Give a block the path to write to; what it wrote there replaces `path` when the block ends.

    After an error the target is unchanged and nothing is left beside it. What a killed process leaves behind is removed
    by the next call for the same target. To survive a power cut as well, sync the file before the block ends.

    Args:
        path: a file, which may exist, or a folder, which must not; its parent exists.
        shared: other programs may be writing the same target. Each then writes under a name of its own and the last one
            wins; what a killed process leaves behind stays.
    """
    partial = path.with_name(f"{path.name}.{secrets.token_hex(4)}.part" if shared else f"{path.name}.part")
    _remove(partial)
    try:
        yield partial
        os.replace(partial, path)
    except BaseException:
        _remove(partial)
        raise


def write_text(path: Path, text: str) -> None:
    """Write UTF-8 text atomically; line ends stay as they are in `text`, on every system."""
    with replacing(path) as partial:
        partial.write_text(text, encoding="utf-8", newline="\n")


def _remove(path: Path) -> None:
    # A link is removed itself, and never what it points to.
    if path.is_dir() and not path.is_symlink():
        shutil.rmtree(path)
    else:
        path.unlink(missing_ok=True)
