"""Runs the pipeline against stand-ins from a process of its own, which a test can kill: SOURCE OUT ADDRESS."""

import sys
import time
from pathlib import Path

from data_prep.corpora.lastfm import prepare
from data_prep.fetching.pipeline import Clock
from tests.data_prep.standins.server import addresses

LONGEST_SLEEP_S = 0.05
"""What services ask for is checked elsewhere; here it would only make the test long."""

if __name__ == "__main__":
    source, out, url = sys.argv[1:]
    clock = Clock(sleep=lambda seconds: time.sleep(min(seconds, LONGEST_SLEEP_S)))
    prepare(Path(source), Path(out), services=addresses(url), clock=clock)
