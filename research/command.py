"""The command line of every experiment: options come from a dataclass, and a user's mistake is reported in one line."""

import os
import re
import sys
from collections.abc import Callable
from typing import TextIO, TypeVar

import tyro

Config = TypeVar("Config")


def run_command(main: Callable[[Config], None], config: type[Config], description: str | None) -> None:
    """Read the command line into `config` and run `main` on it.

    Set MOOD_TRACEBACK=1 to see where an error came from.
    """
    try:
        main(tyro.cli(config, description=_in_paragraphs(description or ""), config=(tyro.conf.AvoidSubcommands,)))
    except (ValueError, FileNotFoundError) as error:
        if os.environ.get("MOOD_TRACEBACK"):
            raise
        sys.exit(f"error: {error} (MOOD_TRACEBACK=1 shows where)")
    except KeyboardInterrupt:
        sys.exit("stopped; run the same command again to resume")
    except BrokenPipeError:
        if not _is_broken(sys.stdout):
            raise  # of a worker or a service
        # --help | head
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())  # or Python reports the same once more at exit
        sys.exit(1)


def _is_broken(stream: TextIO) -> bool:
    try:
        stream.write(" ")
        stream.flush()
    except BrokenPipeError:
        return True
    return False


def _in_paragraphs(header: str) -> str:
    """A script's docstring with its commands, its cost and what it writes apart from the rest: tyro joins lines."""
    after_commands = re.sub(r"(?m)^(Run: .*(?:\n .*)*)\n(?=\S)", r"\1\n\n", header)
    return re.sub(r"(?<!\n)\n(?=(?:Cost|Writes|Expect)\b)", "\n\n", after_commands)
