"""`mood demo`: the web page."""

import sys
from argparse import Namespace

import torch

from research.commands.predict import origin
from research.inference import load_predictor


def run(options: Namespace) -> int:
    """Exit status: 0 after the page was closed, 2 where it cannot be served."""
    try:
        from research.demo.page import AT_ONCE, MAX_BYTES, build_page
    except ModuleNotFoundError as error:
        print(f'mood: the page needs {error.name}: pip install -c constraints.txt -e ".[demo]"', file=sys.stderr)
        return 2
    from research.demo.lookup import installed_lookup
    from research.demo.style import CSS

    try:
        predictor = load_predictor(options.run)
    except (FileNotFoundError, ValueError) as error:
        print(f"mood: {error}", file=sys.stderr)
        return 2
    # Songs that are judged at the same time share the cores; their thread pools would wait for each other.
    torch.set_num_threads(max(1, torch.get_num_threads() // AT_ONCE))
    page = build_page(predictor, installed_lookup(), origin(predictor))
    where = {"server_name": options.host, "server_port": options.port}
    try:
        page.launch(**where, max_file_size=MAX_BYTES, css=CSS, show_error=True)
    except OSError:  # gradio's own words name its function's arguments
        told = "something else may be served there, such as another mood demo; choose another --port or --host"
        print(f"mood: the page cannot be served at {options.host}:{options.port}: {told}", file=sys.stderr)
        return 2
    return 0
