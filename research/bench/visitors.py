"""Many simultaneous visitors of the web page, against a single one.

Run: python -m research.bench.visitors --run RUN
Starts `mood demo`; each visitor uploads a 30 s clip and waits for the answer, as a program would by HTTP. The last
line is the median wait of all at once over that of one alone, quartiles over rounds. Two cores answer eight songs in
the time of four at best, so the median visitor waits for 2.5 songs. Needs the extra `demo`.
"""

import json
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory

import httpx
import numpy as np
import psutil
import tyro

from research.bench.material import Material, Size
from research.bench.pairs import spread

START_S, ANSWER_S = 120.0, 120.0
ALONE = 5
"""Answers to one visitor alone, a round."""


@dataclass(frozen=True, kw_only=True)
class Config:
    run: Path
    """Run folder or exported folder."""
    clip: Path | None = None
    """Sound that every visitor uploads; None makes 30 s."""
    words: bool = False
    """Every visitor gives lyrics too: 300 words."""
    visitors: int = 8
    rounds: int = 6


@contextmanager
def served(run: Path) -> Iterator[tuple[str, psutil.Process]]:
    """Address and process of a page that answers.

    Raises:
        RuntimeError: it ended, or did not answer in time.
    """
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    program = "from research.cli import program; program()"
    command = [sys.executable, "-c", program, "demo", "--run", str(run), "--port", str(port)]
    server = subprocess.Popen(command, stdout=subprocess.DEVNULL)
    try:
        url, until = f"http://127.0.0.1:{port}", time.monotonic() + START_S
        while not _answers(url):
            if server.poll() is not None or time.monotonic() > until:
                raise RuntimeError(f"mood demo --run {run} does not answer; run it alone to see why")
            time.sleep(0.2)
        yield url, psutil.Process(server.pid)
    finally:
        server.terminate()
        server.wait()


def family(server: psutil.Process) -> list[psutil.Process]:
    """The page's process and those that judge."""
    return [server, *server.children(recursive=True)]


def cpu_seconds(server: psutil.Process) -> float:
    return sum(sum(process.cpu_times()[:2]) for process in family(server))


def ask(page: httpx.Client, sound: Path, words: str) -> dict:
    """The page's answer for an upload, as JSON values.

    Raises:
        httpx.HTTPError: the page is gone or busy.
    """
    uploaded = page.post("/upload", files={"files": (sound.name, sound.read_bytes())}).raise_for_status().json()
    file = {"path": uploaded[0], "meta": {"_type": "gradio.FileData"}}
    event = page.post("/call/mood", json={"data": ["Upload Song", "", "", file, words, False]}).raise_for_status()
    told = page.get(f"/call/mood/{event.json()['event_id']}").raise_for_status().text
    return json.loads(told.rsplit("data: ", 1)[1])[1]


def visitor(url: str) -> httpx.Client:
    """Who asks the page at `url`. Made before the clock runs: it takes 30 ms, as long as a song's network."""
    return httpx.Client(base_url=f"{url.rstrip('/')}/gradio_api", timeout=ANSWER_S)


def _answers(url: str) -> bool:
    try:
        return httpx.get(url).is_success
    except httpx.TransportError:
        return False


def main(config: Config) -> None:
    with TemporaryDirectory(prefix="mood-bench-") as folder, served(config.run) as (url, server):
        material = Material(Path(folder), Size(song_s=30.0))
        clip, words = config.clip or material.clips.short[0], material.words if config.words else ""

        visitors = [visitor(url) for _ in range(config.visitors)]

        def wait(page: httpx.Client) -> float:
            start = time.perf_counter()
            ask(page, clip, words)
            return time.perf_counter() - start

        wait(visitors[0])  # the first answer loads what the others find
        alone, together, ratios = [], [], []
        used = cpu_seconds(server)
        with ThreadPoolExecutor(config.visitors) as pool:
            for _ in range(config.rounds):
                alone.append(float(np.median([wait(visitors[0]) for _ in range(ALONE)])))
                together.append(float(np.median(list(pool.map(wait, visitors)))))
                ratios.append(together[-1] / alone[-1])
        used = (cpu_seconds(server) - used) / (config.rounds * (config.visitors + ALONE))
        memory = sum(process.memory_full_info().uss for process in family(server))
        print(f"alone {np.median(alone):.3f} s, {config.visitors} at once {np.median(together):.3f} s")
        print(f"{used:.3f} s of CPU an answer, {memory / 1e9:.1f} GB")
        ratio = spread(ratios)
        print(f"{ratio.median:.2f} [{ratio.low:.2f}, {ratio.high:.2f}] times as long")


if __name__ == "__main__":
    main(tyro.cli(Config, description=__doc__))
