"""`mood bench`: each fast path against a reference, on this machine."""

import json
import os
import sys
from argparse import Namespace


def run(options: Namespace) -> int:
    """Exit status: 0 measured, 1 a key is unknown or a path cannot be measured here."""
    # Before NumPy starts its threads: what is measured on one core is to use one.
    os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")
    os.environ.setdefault("TQDM_DISABLE", "1")
    from research.bench.suite import machine, measure, report, table

    found, where = [], machine()
    try:
        for one in measure(options.only, options.clips):
            found.append(one)
            print(f"{one.key} {one.value.median:.3g} {one.unit}", file=sys.stderr)
    except ValueError as error:
        print(f"mood: {error}", file=sys.stderr)
        return 1
    if options.json:
        print(json.dumps(report(found, where), indent=1))
    else:
        print("\n".join([*(f"{name}: {value}" for name, value in where.items()), "", *table(found)]))
    return 0
