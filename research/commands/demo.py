"""`mood demo`: the web page."""

import signal
import sys
from argparse import Namespace

from research.demo.workers import Workers, available_cores, started_workers

MOST_WORKERS = 4
"""Unless more are asked for: each holds the model in memory."""
MORE = 2
"""Visitors that are served beside those whose songs are judged: they wait for a search, or for a free process."""


def run(options: Namespace) -> int:
    """Exit status: 0 after the page was closed, 2 where it cannot be served."""
    signal.signal(signal.SIGTERM, signal.default_int_handler)  # as Ctrl-C: what is kept of visitors is deleted
    with started_workers(options.run, options.workers or min(MOST_WORKERS, available_cores())) as workers:
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
    except (OSError, ValueError) as error:
        print(f"mood: {error}", file=sys.stderr)
        return 2
    page = build_page(workers.judge, installed_lookup(), trained_on, workers.count + MORE)
    where = {"server_name": options.host, "server_port": options.port}
    try:
        page.launch(**where, max_file_size=MAX_BYTES, css=CSS, show_error=True)
    except OSError:  # gradio's own words name its function's arguments
        told = "something else may be served there, such as another mood demo; choose another --port or --host"
        print(f"mood: the page cannot be served at {options.host}:{options.port}: {told}", file=sys.stderr)
        return 2
    return 0
