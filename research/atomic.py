"""Files and folders that are written whole or not at all: under a partial name beside the target, then moved over it.

A partial name ends in `.part`, so that no search for songs, words or runs takes it for a finished file.
"""

import os
import secrets
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path


@contextmanager
def replacing(path: Path, *, shared: bool = False) -> Iterator[Path]:
    """Give a block the path to write to; what it wrote there takes the place of `path` when the block ends.

    After an error the target is as it was and nothing is left beside it. What a kill leaves behind, the next call for
    the same target removes. A power cut is another matter: who must survive it syncs the file before the block ends.

    Args:
        path: a file, which may exist, or a folder, which must not; its parent exists.
        shared: other programs may be writing the same target now. Each then writes under a name of its own and the
            last one wins; what a kill leaves behind stays.
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
    """Write UTF-8 text whole or not at all; line ends stay as they are in `text`, on every system."""
    with replacing(path) as partial:
        partial.write_text(text, encoding="utf-8", newline="\n")


def _remove(path: Path) -> None:
    # A link is removed itself, and never what it points to.
    if path.is_dir() and not path.is_symlink():
        shutil.rmtree(path)
    else:
        path.unlink(missing_ok=True)
