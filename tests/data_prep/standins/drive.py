"""Runs the pipeline against stand-ins in a process of its own, which a test can kill."""

import time
from pathlib import Path

from data_prep.corpora.lastfm import prepare
from data_prep.fetching.pipeline import Clock
from tests.data_prep.standins.server import addresses

LONGEST_SLEEP_S = 0.05
"""What services ask for is checked elsewhere; here it would only make the test long."""


def run(source: Path, out: Path, url: str) -> None:
    clock = Clock(sleep=lambda seconds: time.sleep(min(seconds, LONGEST_SLEEP_S)))
    prepare(source, out, services=addresses(url), clock=clock)
