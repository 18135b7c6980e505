"""Processes that judge the visitors' songs, each one at a time.

Threads of a single process would wait for each other's Python and for the page's own; and a file that brings down a
decoder ends a process here, not the page.
"""

import gc
import os
import signal
import sys
import tempfile
import traceback
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from multiprocessing import get_context
from multiprocessing.connection import Connection
from pathlib import Path
from queue import SimpleQueue
from threading import Lock, RLock, Thread

from research.demo.visit import Answer, Asked, message_html

LOST = "The process that judged this song has ended. Please try again, or choose another file."
FAILED = "This song cannot be judged: an error that was not foreseen. It is written where the page was started."
SILENCE_S, RATE = 10, 22_050
"""Judged before the first visitor's song."""
PROCESSES = get_context("spawn")
"""A fork would copy torch's locks without the threads that hold them."""


class Workers:
    """A fixed number of processes with the model of a run; one that ends is replaced. Thread-safe."""

    def __init__(self, run: Path, count: int):
        """Start them; each loads the model by itself, which takes seconds."""
        self.count = count
        threads = max(1, available_cores() // count)
        self._workers = [_Worker(run, threads) for _ in range(count)]
        self._idle: SimpleQueue[_Worker] = SimpleQueue()
        for worker in self._workers:
            self._idle.put(worker)

    def trained_on(self) -> str:
        """What the model was trained on; waits until all have loaded it.

        Raises:
            OSError, ValueError: the run has no usable model (see `MoodPredictor`), or none that fits into memory as
                many times.
        """
        told = {worker.load() for worker in self._workers}
        return told.pop()

    def judge(self, asked: Asked) -> Answer:
        """The answer of the first process that is free."""
        worker = self._idle.get()
        try:
            return worker.judge(asked)
        finally:
            if worker.loaded:
                self._idle.put(worker)
            else:
                Thread(target=self._revive, args=(worker,), daemon=True).start()

    def close(self) -> None:
        """End them, whatever they are doing."""
        for worker in self._workers:
            worker.close()

    def _revive(self, worker: "_Worker") -> None:
        with suppress(OSError, ValueError):  # told when the next visitor's song needs it
            worker.load()
        self._idle.put(worker)


@contextmanager
def started_workers(run: Path, count: int) -> Iterator[Workers]:
    """`Workers` that end with the context."""
    workers = Workers(run, count)
    try:
        yield workers
    finally:
        workers.close()


def available_cores() -> int:
    """Those that this process may use."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


class _Worker:
    """A place for a process, with whatever belongs to it."""

    def __init__(self, run: Path, threads: int):
        self._run, self._threads = run, threads
        self._lock, self._closed = RLock(), False  # guards all below
        self._loading = Lock()
        self._process = self._pipe = self._folder = self._trained_on = None
        self._start()

    @property
    def loaded(self) -> bool:
        return self._trained_on is not None

    def load(self) -> str:
        """What the model was trained on, once it is loaded; by a new process where the last one has ended.

        Raises:
            OSError, ValueError: it cannot be loaded.
        """
        with self._loading:
            if self._process is None or (self.loaded and not self._process.is_alive()):
                self._start()
            if self._trained_on is None:
                try:
                    told = self._pipe.recv()
                except (EOFError, OSError) as error:
                    told = ValueError(
                        f"a process ended while it loaded {self._run} (exit status {self._end()}); if memory ran out, "
                        "start fewer (--workers)"
                    )
                    told.__cause__ = error
                if isinstance(told, Exception):
                    self._end()
                    raise told
                self._trained_on = told
            return self._trained_on

    def judge(self, asked: Asked) -> Answer:
        try:
            self.load()
        except (OSError, ValueError) as error:
            self._tell(str(error))
            return message_html(FAILED), None
        try:
            self._pipe.send(asked)
            return self._pipe.recv()
        except BaseException as error:
            # Whatever it was, nobody else may get this visitor's answer.
            self._tell(f"a process that judged a song has ended (exit status {self._end()}); another takes its place")
            if not isinstance(error, EOFError | OSError):
                raise
            return message_html(LOST), None

    def close(self) -> None:
        with self._lock:
            self._closed = True
            self._end()

    def _start(self) -> None:
        with self._lock:
            self._end()
            if self._closed:
                raise ValueError("the page is closed")
            # Its own, since what a process that is ended leaves in it is a visitor's.
            self._folder = tempfile.TemporaryDirectory(prefix="worker-")
            self._pipe, theirs = PROCESSES.Pipe()
            arguments = (theirs, self._run, self._threads, self._folder.name)
            process = PROCESSES.Process(target=_serve, args=arguments, daemon=True)
            process.start()
            theirs.close()  # so that either side learns when the other one is gone
            self._process = process

    def _end(self) -> int | None:
        with self._lock:
            self._trained_on, status = None, None
            if self._process is not None:
                self._process.join(0.1)  # one that ends by itself tells why
                self._process.terminate()
                self._process.join()
                status, self._process = self._process.exitcode, None
            if self._folder is not None:
                self._pipe.close()
                self._folder.cleanup()
            return status

    def _tell(self, text: str) -> None:
        if not self._closed:
            print(f"mood: {text}", file=sys.stderr)


def _serve(pipe: Connection, run: Path, threads: int, folder: str) -> None:
    """The life of a process: load the model, then answer until the page is gone."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C is for the page, which ends its processes
    try:
        _answer_all(pipe, run, threads, folder)
    except (EOFError, ConnectionError):
        pass
    except Exception:
        traceback.print_exc()
    finally:
        os._exit(0)  # else Python takes the libraries apart, which takes seconds


def _answer_all(pipe: Connection, run: Path, threads: int, folder: str) -> None:
    tempfile.tempdir = folder
    os.environ["OMP_NUM_THREADS"] = str(threads)  # read by torch, its matrix library and numpy's when they are loaded
    gc.disable()  # libraries are a million objects that stay: walking them again and again takes a second
    try:
        import numpy as np  # not above: the page itself needs none of this
        from tqdm import tqdm

        from research.demo.answers import answer_song
        from research.inference import load_predictor

        tqdm.set_lock(RLock())  # its own is for several processes, and outlives one that is ended
        predictor = load_predictor(run)
        # What only a first answer loads is loaded now; weights that cannot be had are told now.
        predictor.predict((np.zeros(SILENCE_S * RATE, np.float32), RATE), "la la la")
    except Exception as error:
        known = isinstance(error, FileNotFoundError | ValueError)
        pipe.send(error if known else ValueError(f"{run} cannot be loaded: {type(error).__name__}: {error}"))
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
