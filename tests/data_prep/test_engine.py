"""A Dask cluster of real processes on this machine: the same bytes as without it, whatever dies."""

import importlib
import os
import site
import socket
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, contextmanager

import numpy as np
import pandas as pd
import pytest
import soundfile
from distributed import Client

from data_prep import engine as engine_module
from data_prep.__main__ import main
from data_prep.engine import dask_engine
from research.features import building as building_module
from research.features.audio import MelSettings
from research.features.building import build_store
from research.tracks import Corpus, TrackTable

CORPUS = Corpus(name="noise", labels=(), citation="none", licence="CC0")
START_S = 60
"""Upper bound for processes to start on a busy machine."""


@contextmanager
def dask(*args):
    """A Dask program; killed at the end, if it lives."""
    command = [sys.executable, "-m", "dask", *args, "--no-dashboard"]
    process = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    try:
        yield process
    finally:
        process.kill()
        process.wait()


def scheduler(port):
    # It ends by itself, and its workers with it, should these tests be killed.
    return dask("scheduler", "--host", "127.0.0.1", "--port", str(port), "--idle-timeout", f"{START_S}s")


def worker(address, folder, name):
    # Without a nanny, a killed worker stays dead.
    return dask("worker", address, "--nthreads", "1", "--no-nanny", "--name", name, "--local-directory", str(folder))


def free_port():
    with socket.create_server(("127.0.0.1", 0)) as server:
        return server.getsockname()[1]


@contextmanager
def running(folder, n_workers):
    """Address of a scheduler with workers, and its process."""
    with ExitStack() as stack:
        port = free_port()
        process = stack.enter_context(scheduler(port))
        address = f"tcp://127.0.0.1:{port}"
        for number in range(n_workers):
            stack.enter_context(worker(address, folder, f"w{number}"))
        with Client(address, timeout=START_S, set_as_default=False) as client:
            if n_workers:
                client.wait_for_workers(n_workers, timeout=START_S)
        yield address, process


@pytest.fixture(scope="module")
def cluster(tmp_path_factory):
    with running(tmp_path_factory.mktemp("cluster"), n_workers=2) as (address, _):
        yield address


@pytest.fixture
def tracks(tmp_path, monkeypatch):
    """20 songs of a minute in five recordings and one that cannot be decoded, a shard each: two seconds of work."""
    monkeypatch.setattr(building_module, "SHARD", 1)
    generator = np.random.default_rng(0)
    for number in range(5):
        samples = 0.1 * generator.standard_normal(22_050 * (60 + number))
        soundfile.write(tmp_path / f"{number}.wav", samples, 22_050)
    (tmp_path / "broken.wav").write_text("no song")
    audio = [*(f"{number % 5}.wav" for number in range(20)), "broken.wav"]
    rows = [{"track_id": f"s{row}", "artist": None, "audio": path, "lyrics": None} for row, path in enumerate(audio)]
    return TrackTable(CORPUS, pd.DataFrame(rows, dtype=object), tmp_path)


@pytest.fixture
def local(tracks, tmp_path):
    """Bytes of the store that this process makes."""
    build_store(tracks, tmp_path / "local", workers=1)
    return contents(tmp_path / "local")


def contents(folder):
    return {path.name: path.read_bytes() for path in sorted(folder.iterdir())}


def test_two_workers_make_the_same_bytes_as_this_process(cluster, tracks, local, tmp_path):
    with dask_engine(cluster) as engine:
        store = build_store(tracks, tmp_path / "dask", engine=engine)
    assert contents(tmp_path / "dask") == local
    assert list(store.skipped) == ["s20"]


def test_the_shards_of_two_workers_are_those_of_this_process(cluster, tracks, tmp_path, monkeypatch):
    made, taken_in = {"local": [], "dask": []}, building_module.read_shard
    for name, shards in made.items():

        def seen(path, shards=shards):
            shards.append(path.read_bytes())
            return taken_in(path)

        monkeypatch.setattr(building_module, "read_shard", seen)
        with dask_engine(cluster) as engine:
            build_store(tracks, tmp_path / name, workers=1, engine=engine if name == "dask" else None)
    assert len(made["local"]) > 2
    assert made["local"] == made["dask"]


def test_a_worker_killed_in_mid_run_costs_time_only(cluster, tracks, local, tmp_path):
    with ExitStack() as stack:
        process = stack.enter_context(worker(cluster, tmp_path / "scratch", "spare"))
        client = stack.enter_context(Client(cluster, set_as_default=False))
        client.wait_for_workers(3, timeout=START_S)
        spare = next(place for place, about in client.scheduler_info()["workers"].items() if about["name"] == "spare")
        engine, lost = stack.enter_context(dask_engine(cluster)), []

        def killing(function, items):
            for result in engine(function, items):
                if not lost:
                    lost.extend(client.processing()[spare])
                    process.kill()  # SIGKILL
                    process.wait()
                yield result

        build_store(tracks, tmp_path / "dask", engine=killing)
        assert lost  # songs that it had been given
        assert spare not in client.scheduler_info()["workers"]
    assert contents(tmp_path / "dask") == local


def test_a_lost_scheduler_says_so_and_the_next_run_resumes(tracks, local, tmp_path, monkeypatch):
    monkeypatch.setattr(building_module, "SHARDS_A_SYNC", 1)
    with running(tmp_path / "scratch", n_workers=1) as (address, process), dask_engine(address) as engine:

        def killing(function, items):
            for number, result in enumerate(engine(function, items)):
                if number == 3:
                    process.kill()
                yield result

        with pytest.raises(ValueError, match=rf"the scheduler at {address} is gone; .* run again, it resumes"):
            build_store(tracks, tmp_path / "dask", engine=killing)
    assert len((tmp_path / "dask/index.jsonl").read_text().splitlines()) >= 3
    build_store(tracks, tmp_path / "dask", workers=1)
    assert contents(tmp_path / "dask") == local


def test_an_item_that_kills_its_workers_is_named(tmp_path, monkeypatch):
    monkeypatch.setenv("DASK_DISTRIBUTED__SCHEDULER__ALLOWED_FAILURES", "0")
    message = r"workers that computed 17 died; .* run again, it resumes"
    with (
        running(tmp_path, n_workers=1) as (address, _),
        dask_engine(address) as engine,
        pytest.raises(ValueError, match=message),
    ):
        list(engine(os._exit, [17]))


@pytest.mark.parametrize("who", ["scheduler", "workers"])
def test_a_module_that_the_cluster_lacks_is_named(cluster, tmp_path, monkeypatch, who):
    name = f"not_on_{who}"
    (tmp_path / f"{name}.py").write_text("def identity(item):\n    return item\n")
    monkeypatch.syspath_prepend(tmp_path)
    if who == "workers":
        with Client(cluster, set_as_default=False) as client:
            client.run_on_scheduler(site.addsitedir, str(tmp_path))
    message = f"the cluster at {cluster} lacks {name}; install the project there"
    with dask_engine(cluster) as engine, pytest.raises(ValueError, match=message):
        list(engine(importlib.import_module(name).identity, [1]))


def test_errors_of_the_work_itself_come_as_they_are(cluster, tmp_path):
    with dask_engine(cluster) as engine, pytest.raises(FileNotFoundError, match="gone"):
        list(engine(os.stat, [str(tmp_path / "gone")]))


def test_results_come_in_order_however_far_ahead(cluster, monkeypatch):
    monkeypatch.setattr(engine_module, "AHEAD", 3)
    with dask_engine(cluster) as engine:
        assert list(engine(str, range(20))) == [str(number) for number in range(20)]
        assert list(engine(str, [])) == []


def test_nobody_at_the_address():
    address = f"tcp://127.0.0.1:{free_port()}"
    message = rf"no Dask scheduler answers at {address} .*`dask scheduler`, then `dask worker {address} --nworkers -1"
    with pytest.raises(ValueError, match=message), dask_engine(address):
        pass


@pytest.mark.parametrize(("greeting", "reason"), [(b"", "timed out"), (b"SSH-2.0-", "another program listens there")])
def test_another_program_at_the_address(monkeypatch, greeting, reason):
    monkeypatch.setattr(engine_module, "CONNECT_S", 0.5)
    with socket.create_server(("127.0.0.1", 0)) as server, ThreadPoolExecutor() as threads:
        answered = threads.submit(_greet, server, greeting)
        address = f"tcp://127.0.0.1:{server.getsockname()[1]}"
        with (
            pytest.raises(ValueError, match=rf"no Dask scheduler answers at {address} \({reason}\)"),
            dask_engine(address),
        ):
            pass
        answered.result()


def _greet(server, greeting):
    connection, _ = server.accept()
    with connection:
        connection.sendall(greeting)
        connection.recv(1)  # until the other side hangs up


def test_a_scheduler_without_workers(monkeypatch, tmp_path):
    monkeypatch.setattr(engine_module, "WORKERS_S", 0.1)
    with running(tmp_path, n_workers=0) as (address, _):
        message = rf"{address} has had no worker for 0.1 s; .* `dask worker {address}"
        with pytest.raises(ValueError, match=message), dask_engine(address):
            pass


@pytest.mark.parametrize(
    ("flags", "message"),
    [
        (["--features", "--engine", "dask"], "needs --address tcp://HOST:PORT of a scheduler; start one with"),
        (["--features", "--address", "tcp://127.0.0.1:8786"], "--address goes with --engine dask"),
        (["--engine", "dask", "--address", "tcp://127.0.0.1:8786"], "nothing to compute; say --features"),
        (["--features", "--engine", "dask", "--address", "127.0.0.1"], "--address 127.0.0.1 is no address"),
        (["--features", "--engine", "dask", "--address", "tcp://here:x"], "--address tcp://here:x is no address"),
    ],
)
def test_flags_that_cannot_work_are_refused_before_any_work(tmp_path, capsys, flags, message):
    assert main(["synthetic", "--out", str(tmp_path / "out"), *flags]) == 1
    error = capsys.readouterr().err
    assert message in error
    assert error.count("\n") == 1
    assert not (tmp_path / "out").exists()


def test_without_the_package_the_extra_is_named(tmp_path, capsys, monkeypatch):
    monkeypatch.setattr(engine_module.importlib.util, "find_spec", lambda name: None)
    flags = ["--features", "--engine", "dask", "--address", "tcp://127.0.0.1:8786"]
    assert main(["synthetic", "--out", str(tmp_path / "out"), *flags]) == 1
    assert "pip install -c constraints.txt -e '.[scale]'" in capsys.readouterr().err


def test_the_command_line_reaches_the_cluster_and_a_second_run_does_nothing(cluster, tmp_path, capsys):
    songs = ["synthetic", "--n-songs", "8", "--duration-s", "1", "--workers", "1"]
    assert main([*songs, "--out", str(tmp_path / "local"), "--features"]) == 0
    onto_dask = [*songs, "--out", str(tmp_path / "dask"), "--features", "--engine", "dask", "--address", cluster]
    assert main(onto_dask) == 0
    made = tmp_path / "dask/mel"
    arrays = [(tmp_path / name / "mel/mel.f16").read_bytes() for name in ("local", "dask")]
    assert arrays[0] == arrays[1]
    assert len(arrays[0]) == 8 * (1 + 22_050 // 512) * MelSettings().n_mels * 2
    before = {path: (path.read_bytes(), path.stat().st_mtime_ns) for path in made.iterdir()}
    assert main(onto_dask) == 0
    assert {path: (path.read_bytes(), path.stat().st_mtime_ns) for path in made.iterdir()} == before
    assert "spectrograms of 8 songs" in capsys.readouterr().out
