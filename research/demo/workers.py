"""Processes that judge the visitors' songs, each one at a time.

Threads of a single process would wait for each other's Python and for the page's own; and a file that brings down a
decoder ends a process here, not the page.
"""

import gc
import os
import signal
import traceback
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from multiprocessing import get_context
from multiprocessing.connection import Connection
from pathlib import Path
from queue import SimpleQueue
from threading import RLock
from typing import Any

from research.demo.lookup import FoundSong
from research.demo.messages import message_html

Answer = tuple[str, dict[str, Any] | None]
"""HTML for the page, JSON for programs."""
LOST = "The process that judged this song has ended. Please try again, or choose another file."
FAILED = "This song cannot be judged: an error that was not foreseen. It is written where the page was started."
SILENCE_S, RATE = 10, 22_050
"""Judged before the first visitor's song."""
PROCESSES = get_context("spawn")
"""A fork would copy torch's locks without the threads that hold them."""


@dataclass(frozen=True)
class Asked:
    """A visitor's song."""

    path: Path | None
    words: str
    found: FoundSong | None
    """What the search found; None: the visitor's own upload."""


class Workers:
    """A fixed number of processes with the model of a run; one that ends is replaced. Thread-safe."""

    def __init__(self, run: Path, count: int):
        """Start them; each loads the model by itself, which takes seconds."""
        self.count = count
        self._run = run
        self._workers = [_Worker(run, count) for _ in range(count)]
        self._idle: SimpleQueue[_Worker] = SimpleQueue()
        for worker in self._workers:
            self._idle.put(worker)

    def trained_on(self) -> str:
        """What the model was trained on; waits until all have loaded it.

        Raises:
            FileNotFoundError, ValueError: the run has no usable model (see `MoodPredictor`), or none that fits into
                memory as many times.
        """
        try:
            told = {worker.trained_on() for worker in self._workers}
        except EOFError as error:
            raise ValueError(
                f"a process ended while it loaded {self._run}; if memory ran out, start fewer (--workers)"
            ) from error
        return told.pop()

    def judge(self, asked: Asked) -> Answer:
        """The answer of the first process that is free."""
        worker = self._idle.get()
        try:
            worker.trained_on()
            return worker.ask(asked)
        except (EOFError, OSError):
            self._workers.remove(worker)
            worker.close()
            worker = _Worker(self._run, self.count)
            self._workers.append(worker)
            return message_html(LOST), None
        finally:
            self._idle.put(worker)

    def close(self) -> None:
        """End them, whatever they are doing."""
        for worker in self._workers:
            worker.close()


@contextmanager
def started_workers(run: Path, count: int) -> Iterator[Workers]:
    """`Workers` that end with the context."""
    workers = Workers(run, count)
    try:
        yield workers
    finally:
        workers.close()


class _Worker:
    def __init__(self, run: Path, count: int):
        self._pipe, theirs = PROCESSES.Pipe()
        self._process = PROCESSES.Process(target=_serve, args=(theirs, run, count), daemon=True)
        self._process.start()
        theirs.close()  # so that either side learns when the other one is gone
        self._trained_on: str | None = None

    def trained_on(self) -> str:
        if self._trained_on is None:
            loaded = self._pipe.recv()
            if isinstance(loaded, Exception):
                raise loaded
            self._trained_on = loaded
        return self._trained_on

    def ask(self, asked: Asked) -> Answer:
        self._pipe.send(asked)
        return self._pipe.recv()

    def close(self) -> None:
        self._process.terminate()
        self._process.join()
        self._pipe.close()


def _serve(pipe: Connection, run: Path, count: int) -> None:
    """The life of a process: load the model, then answer until the page is gone."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C is for the page, which ends its processes
    with suppress(EOFError, ConnectionError):
        _answer_all(pipe, run, count)
    os._exit(0)  # else Python takes the libraries apart, which takes seconds


def _answer_all(pipe: Connection, run: Path, count: int) -> None:
    gc.disable()  # libraries are a million objects that stay: walking them again and again takes a second
    import numpy as np
    import torch  # not above: the page itself needs none of this
    from tqdm import tqdm

    from research.demo.answers import answer_song
    from research.inference import load_predictor

    tqdm.set_lock(RLock())  # its own is for several processes, and outlives one that is ended
    torch.set_num_threads(max(1, torch.get_num_threads() // count))
    try:
        predictor = load_predictor(run)
        # What only a first answer loads is loaded now; weights that cannot be had are told now.
        predictor.predict((np.zeros(SILENCE_S * RATE, np.float32), RATE), "la la la")
    except (FileNotFoundError, ValueError) as error:
        pipe.send(error)
        return
    gc.freeze()
    gc.enable()
    pipe.send(predictor.trained_on)
    while True:
        asked = pipe.recv()
        try:
            answer = answer_song(predictor, asked)
        except Exception:
            traceback.print_exc()
            answer = message_html(FAILED), None
        pipe.send(answer)
