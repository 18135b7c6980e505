"""The command line of every experiment: options come from a dataclass, and a user's mistake is reported in one line."""

import os
import sys
from collections.abc import Callable
from typing import TypeVar

import tyro

Config = TypeVar("Config")


def run_command(main: Callable[[Config], None], config: type[Config], description: str | None) -> None:
    """Read the command line into `config` and run `main` on it.

    Set MOOD_TRACEBACK=1 to see where an error came from.
    """
    options = tyro.cli(config, description=description, config=(tyro.conf.AvoidSubcommands,))
    try:
        main(options)
    except (ValueError, FileNotFoundError) as error:
        if os.environ.get("MOOD_TRACEBACK"):
            raise
        sys.exit(f"error: {error} (MOOD_TRACEBACK=1 shows where)")
    except KeyboardInterrupt:
        sys.exit("stopped; run the same command again to resume")
