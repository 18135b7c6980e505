"""Processes that judge for the web page."""

import subprocess
import sys
import tempfile
import time
from concurrent.futures import ThreadPoolExecutor
from importlib.util import find_spec
from pathlib import Path

import psutil
import pytest

from research import cli
from research.demo.visit import Asked
from research.demo.workers import FAILED, LOST, PROCESSES, started_workers


@pytest.fixture(scope="module")
def workers(trained):
    with started_workers(trained[0].path, 1) as workers:
        yield workers


@pytest.fixture
def song(trained):
    return Asked(trained[1].tracks.audio_path(0), "tears of joy", None)


def killed(workers) -> None:
    process = workers._workers[0]._process
    process.kill()
    process.join()


class Opened:
    """Once it has come to the process, a temporary folder of that one."""

    def __reduce__(self):
        return tempfile.mkdtemp, ()


class Awaited:
    """Keeps the process that receives it busy."""

    def __reduce__(self):
        return time.sleep, (600,)


def test_an_answer_is_that_of_the_predictor(workers, predictor, song):
    assert workers.trained_on() == predictor.trained_on
    shown, numbers = workers.judge(song)
    assert numbers["probabilities"] == pytest.approx(predictor.predict(song.path, song.words).probabilities, abs=1e-6)
    assert numbers["mood"] in shown


def test_an_error_that_was_not_foreseen_ends_one_answer(workers, song):
    assert FAILED in workers.judge(Asked(5, "", None))[0]
    assert workers.judge(song)[1] is not None


def test_a_process_that_ends_takes_what_it_kept_with_it_and_is_replaced(workers, song, capsys):
    assert FAILED in workers.judge(Asked(Opened(), "", None))[0]
    kept = Path(workers._workers[0]._folder.name)
    assert len(list(kept.iterdir())) == 1
    with ThreadPoolExecutor(1) as pool:
        waits = pool.submit(workers.judge, Asked(Awaited(), "", None))
        time.sleep(0.5)
        killed(workers)
        assert LOST in waits.result()[0]
    assert not kept.exists()
    assert "exit status -9" in capsys.readouterr().err
    assert workers.judge(song)[1] is not None


def test_a_process_that_ends_idle_costs_no_visitor_an_answer(workers, song):
    killed(workers)
    assert workers.judge(song)[1] is not None


def test_a_process_that_cannot_be_started_now_is_started_for_the_next_song(workers, song, monkeypatch, capsys):
    def full(process):
        raise BlockingIOError(11, "Resource temporarily unavailable")

    with monkeypatch.context() as patch:
        patch.setattr(PROCESSES.Process, "start", full)
        killed(workers)
        assert FAILED in workers.judge(song)[0]
    assert "Resource temporarily unavailable" in capsys.readouterr().err
    assert workers.judge(song)[1] is not None


def test_more_visitors_than_processes_wait(workers, song):
    with ThreadPoolExecutor(4) as pool:
        found = list(pool.map(workers.judge, [song] * 4))
    assert found[0][1] is not None
    assert all(answer == found[0] for answer in found)


def test_a_page_that_is_closed_ends_answers_and_starts_no_process(trained):
    with ThreadPoolExecutor(2) as pool:
        with started_workers(trained[0].path, 1) as workers:
            workers.trained_on()
            waits = [pool.submit(workers.judge, Asked(Awaited(), "", None)) for _ in range(2)]
            time.sleep(0.5)
        assert {LOST in wait.result()[0] for wait in waits} == {True, False}
    assert workers._workers[0]._process is None


def test_a_run_without_a_model_is_told(tmp_path):
    with (
        started_workers(tmp_path / "nowhere", 1) as workers,
        pytest.raises(FileNotFoundError, match="nowhere is no run folder"),
    ):
        workers.trained_on()


def test_a_process_that_ends_while_it_loads_is_told(trained):
    with started_workers(trained[0].path, 1) as workers:
        killed(workers)
        with pytest.raises(ValueError, match=r"exit status -9\); if memory ran out, start fewer"):
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


@pytest.mark.parametrize("count", ["0", "-1", "two"])
def test_a_number_of_processes_is_one_at_least(count, capsys):
    with pytest.raises(SystemExit):
        cli.main(["demo", "--run", "nowhere", "--workers", count])
    assert "is no number of 1 or more" in capsys.readouterr().err
