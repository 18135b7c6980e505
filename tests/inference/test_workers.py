"""Processes that judge for the web page."""

import os
import signal
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from importlib.util import find_spec

import psutil
import pytest

from research.demo.workers import FAILED, LOST, Asked, started_workers


@pytest.fixture(scope="module")
def workers(trained):
    with started_workers(trained[0].path, 1) as workers:
        yield workers


@pytest.fixture
def song(trained):
    return Asked(trained[1].tracks.audio_path(0), "tears of joy", None)


def test_an_answer_is_that_of_the_predictor(workers, predictor, song):
    assert workers.trained_on() == predictor.trained_on
    shown, numbers = workers.judge(song)
    assert numbers["probabilities"] == pytest.approx(predictor.predict(song.path, song.words).probabilities, abs=1e-6)
    assert numbers["mood"] in shown


def test_an_error_that_was_not_foreseen_ends_one_answer(workers, song):
    assert FAILED in workers.judge(Asked(5, "", None))[0]
    assert workers.judge(song)[1] is not None


def test_a_process_that_ends_is_replaced(workers, song):
    (worker,) = workers._workers
    os.kill(worker._process.pid, signal.SIGKILL)
    shown, numbers = workers.judge(song)
    assert LOST in shown
    assert numbers is None
    assert workers.judge(song)[1] is not None


def test_more_visitors_than_processes_wait(workers, song):
    with ThreadPoolExecutor(4) as pool:
        found = list(pool.map(workers.judge, [song] * 4))
    assert all(answer == found[0] for answer in found)


def test_a_run_without_a_model_is_told(tmp_path):
    with (
        started_workers(tmp_path / "nowhere", 1) as workers,
        pytest.raises(FileNotFoundError, match="nowhere is no run"),
    ):
        workers.trained_on()


def test_a_process_that_ends_while_it_loads_is_told(trained):
    with started_workers(trained[0].path, 1) as workers:
        os.kill(workers._workers[0]._process.pid, signal.SIGKILL)
        with pytest.raises(ValueError, match="start fewer"):
            workers.trained_on()


STARTED = """
import sys, time
from pathlib import Path
from research.demo.workers import Workers
workers = Workers(Path(sys.argv[1]), 1)
workers.trained_on()
print(workers._workers[0]._process.pid, flush=True)
time.sleep(600)
"""


def test_no_process_outlives_the_page(trained):
    page = subprocess.Popen(
        [sys.executable, "-c", STARTED, str(trained[0].path)], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    )
    worker = psutil.Process(int(page.stdout.readline()))
    page.kill()
    worker.wait(timeout=60)
    assert page.communicate()[1] == ""


@pytest.mark.skipif(find_spec("gradio") is None, reason="needs the extra demo")
def test_the_page_itself_loads_no_torch():
    told = "import sys; import research.commands.demo, research.demo.page; print('torch' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", told], capture_output=True, text=True).stdout == "False\n"


def test_workers_end_with_their_context(trained):
    with started_workers(trained[0].path, 1) as workers:
        worker = psutil.Process(workers._workers[0]._process.pid)
    assert not worker.is_running()
