"""An existing Dask cluster as the engine that computes features (see `research.features.engine`).

Start: `dask scheduler` on one machine, `dask worker tcp://HOST:8786 --nworkers -1 --nthreads 1` on each.
On all of them the same packages (constraints.txt) and a shared disk under the same path. A scheduler runs what it is
sent: keep its port inside a network you trust.
"""

import importlib
import importlib.util
import socket
from collections import deque
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import CancelledError
from contextlib import contextmanager
from functools import partial
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

if TYPE_CHECKING:
    from distributed import Client, Future

    from research.features.engine import Engine

CONNECT_S = 10.0
WORKERS_S = 60.0
"""How long to wait for a first worker: a queue of a computing centre may take its time, but not in silence."""
MAX_GREETING = 2**20
"""Bytes; Dask's has less than 100, and the first letters of any text read as a length are far more."""
AHEAD = 1_000
"""Items handed out before the oldest is done: work for hundreds of cores, and no more for the scheduler to remember."""
START = "start one with `dask scheduler`, then `dask worker {address} --nworkers -1 --nthreads 1` on each machine"


def check_dask(address: str | None) -> str:
    """The address of a Dask scheduler, if all is there to speak to it; does not connect.

    Raises:
        ValueError: no or no usable address, or Dask is not installed.
    """
    if address is None:
        raise ValueError(f"--engine dask needs --address tcp://HOST:PORT of a scheduler; {_start('tcp://HOST:8786')}")
    try:
        usable = urlsplit(address).scheme == "tcp" and urlsplit(address).port is not None
    except ValueError:  # a port that is no number
        usable = False
    if not usable:
        raise ValueError(f"--address {address} is no address of a scheduler, such as tcp://127.0.0.1:8786")
    if importlib.util.find_spec("distributed") is None:
        raise ValueError("--engine dask needs a package: pip install -c constraints.txt -e '.[scale]'")
    return address


@contextmanager
def dask_engine(address: str | None) -> Iterator["Engine"]:
    """Connection to the scheduler at `address`, as an engine.

    Raises:
        ValueError: as `check_dask`; nobody answers there, or it has no worker; later, when results are read: the
            scheduler is gone, a worker lacks a package, or an item killed several workers.
    """
    address = check_dask(address)
    _check_answers(address)
    from distributed import Client

    with Client(address, timeout=CONNECT_S, set_as_default=False) as client:
        try:
            client.wait_for_workers(1, timeout=WORKERS_S)
        except TimeoutError as error:
            message = f"the scheduler at {address} has had no worker for {WORKERS_S:g} s; {_start(address)}"
            raise ValueError(message) from error
        yield partial(_map, client)


def _map(client: "Client", function: Callable[[Any], Any], items: Sequence[Any]) -> Iterator[Any]:
    _check_module(client, function.__module__)
    waiting = deque()
    for item in items:
        if len(waiting) == AHEAD:
            yield _result(client, *waiting.popleft())
        # Not `pure`: Dask would take its result of an earlier run for this one's.
        waiting.append((item, client.submit(function, item, pure=False)))
    while waiting:
        yield _result(client, *waiting.popleft())


def _result(client: "Client", item: Any, future: "Future") -> Any:
    from distributed.scheduler import KilledWorker

    try:
        return future.result()
    except CancelledError as error:
        address = client.scheduler.address
        raise ValueError(f"the scheduler at {address} is gone; start it and run again, it resumes") from error
    except KilledWorker as error:
        message = f"workers that computed {item} died; look at their logs and memory, then run again, it resumes"
        raise ValueError(message) from error


def _check_module(client: "Client", module: str) -> None:
    # A worker that cannot load its work leaves the cluster without a word to us, and the work waits for another one.
    def load() -> None:  # Dask sends what is defined in a function as it stands, whatever the other side has.
        importlib.import_module(module)

    try:
        client.run_on_scheduler(load)
        client.run(load)
    except ModuleNotFoundError as error:
        place = client.scheduler.address
        message = f"the cluster at {place} lacks {error.name}; install the project there with its constraints.txt"
        raise ValueError(message) from error


def _check_answers(address: str) -> None:
    # Before Dask's client, which waits for ever on a port where another program listens, and believes what it hears.
    place = urlsplit(address)
    try:
        with socket.create_connection((place.hostname, place.port), timeout=CONNECT_S) as connection:
            # A scheduler greets first, after the length of its greeting in eight bytes.
            length = int.from_bytes(connection.recv(8), "little")
        if not 0 < length < MAX_GREETING:
            raise OSError("another program listens there")
    except OSError as error:
        raise ValueError(f"no Dask scheduler answers at {address} ({error}); {_start(address)}") from error


def _start(address: str) -> str:
    return START.format(address=address)
