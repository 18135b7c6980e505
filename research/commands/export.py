"""`mood export`: a run as a folder to share."""

import sys
from argparse import Namespace

from research.export.folder import export_run
from research.runs import RunFolder


def run(options: Namespace) -> int:
    """Exit status: 0 written, 2 cannot be written."""
    try:
        export_run(RunFolder.load(options.run), options.out, onnx=not options.no_onnx)
    except (FileNotFoundError, ValueError) as error:
        print(f"mood: {error}", file=sys.stderr)
        return 2
    print(f"{options.out}: load it with `mood predict SONG --run {options.out}`; README.md is the model card")
    return 0
