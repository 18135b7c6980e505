"""`mood demo`: the web page."""

import os
import sys
from argparse import Namespace

from research.demo.workers import Workers, started_workers

MOST_WORKERS = 4
"""Unless more are asked for: each holds the model in memory."""


def run(options: Namespace) -> int:
    """Exit status: 0 after the page was closed, 2 where it cannot be served."""
    with started_workers(options.run, options.workers or min(MOST_WORKERS, os.cpu_count() or 1)) as workers:
        return _serve(options, workers)


def _serve(options: Namespace, workers: Workers) -> int:
    try:
        from research.demo.page import MAX_BYTES, build_page  # takes seconds, in which the workers load the model
    except ModuleNotFoundError as error:
        print(f'mood: the page needs {error.name}: pip install -c constraints.txt -e ".[demo]"', file=sys.stderr)
        return 2
    from research.demo.lookup import installed_lookup
    from research.demo.style import CSS

    try:
        trained_on = workers.trained_on()
    except (FileNotFoundError, ValueError) as error:
        print(f"mood: {error}", file=sys.stderr)
        return 2
    # While as many songs are judged, as many again are searched for, or ready.
    page = build_page(workers.judge, installed_lookup(), trained_on, 2 * workers.count)
    where = {"server_name": options.host, "server_port": options.port}
    try:
        page.launch(**where, max_file_size=MAX_BYTES, css=CSS, show_error=True)
    except OSError:  # gradio's own words name its function's arguments
        told = "something else may be served there, such as another mood demo; choose another --port or --host"
        print(f"mood: the page cannot be served at {options.host}:{options.port}: {told}", file=sys.stderr)
        return 2
    return 0
