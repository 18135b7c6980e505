"""Runs in Weights & Biases against their folders, through W&B's own client and a server on this machine."""

import json
import threading
from dataclasses import replace
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from experiments.compare import Config, main
from research.reports import written
from research.reports.document import FigureFile
from research.reports.figures.confusion import confusion_matrices
from research.reports.figures.style import save_figure
from research.reports.predictions import read_runs
from research.reports.scores import score_models
from research.reports.tables import comparison_table
from research.runs import RunFolder
from research.tracking.mirrors import Place, can_read, fetch_runs, mirror_differences, read_mirrors
from research.tracking.tracker import track
from tests.tracking.test_tracker import inspect

LABELS = ["angry", "happy"]
PLACE = Place("music-mood-fusion", "fusion")


class Server(ThreadingHTTPServer):
    """What W&B's client asks for when it lists a group and downloads a file; any group but one is empty."""

    def __init__(self, runs: list[dict], files: dict[str, bytes]):
        super().__init__(("127.0.0.1", 0), Handler)
        self.runs, self.files = runs, files
        self.url = f"http://127.0.0.1:{self.server_port}"

    def answer(self, query: str, variables: dict) -> dict:
        """Of a GraphQL query."""
        viewer = {"id": "1", "entity": "someone", "username": "someone", "flags": "{}", "teams": {"edges": []}}
        page = {"pageInfo": {"endCursor": None, "hasNextPage": False}}
        project = {"internalId": "1", "readOnly": False}
        if "query Runs(" in query:
            wanted = json.loads(variables["filters"])["group"]
            edges = [{"node": run, "cursor": run["id"]} for run in self.runs if run["group"] == wanted]
            project |= {"runCount": len(edges), "runs": {"edges": edges, **page}}
        if "query RunFiles(" in query:
            (name,) = variables["fileNames"]
            node = {"id": name, "name": name, "sizeBytes": len(self.files[name]), "mimetype": "", "updatedAt": ""}
            node |= {"url": f"{self.url}/{name}", "directUrl": f"{self.url}/{name}", "md5": ""}
            project["run"] = {"fileCount": 1, "files": {"edges": [{"node": node, "cursor": name}], **page}}
        return {"viewer": viewer, "serverInfo": {"features": []}, "project": project}


class Handler(BaseHTTPRequestHandler):
    server: Server

    def do_POST(self):
        asked = self.rfile.read(int(self.headers["Content-Length"]))
        # What is no query is the client's telemetry.
        found = json.loads(asked) if self.path == "/graphql" else {}
        self._send(json.dumps({"data": self.server.answer(found.get("query", ""), found.get("variables"))}).encode())

    def do_GET(self):
        self._send(self.server.files[self.path[1:]])

    def _send(self, body: bytes):
        self.send_response(200)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_):
        pass


def predictions(right: int) -> pd.DataFrame:
    """Twelve test songs, the first so many right."""
    targets = np.arange(12) % 2
    guesses = np.where(np.arange(12) < right, targets, 1 - targets)
    frame = pd.DataFrame({"track_id": [f"t{song}" for song in range(12)], "artist": [f"a{s // 2}" for s in range(12)]})
    logits = list(np.eye(2, dtype=np.float32)[guesses] * np.float32(1.3))
    return frame.assign(split="test", fold=0, seed=0, target=targets, logits=logits)


@pytest.fixture(scope="module")
def offline(tmp_path_factory) -> Path:
    """A home without keys, and nothing in the environment that decides the mode."""
    home = tmp_path_factory.mktemp("home")
    with pytest.MonkeyPatch.context() as patch:
        for name in ("WANDB_API_KEY", "WANDB_BASE_URL"):
            patch.delenv(name, raising=False)
        for name in ("HOME", "WANDB_DATA_DIR", "WANDB_CACHE_DIR", "WANDB_CONFIG_DIR"):
            patch.setenv(name, str(home))
        patch.setenv("WANDB_MODE", "offline")
        yield home


@pytest.fixture(scope="module")
def folders(tmp_path_factory, offline) -> dict[str, Path]:
    """Finished runs; the first was mirrored as training does it."""
    root, found = tmp_path_factory.mktemp("runs") / "fusion", {}
    corpus = {"name": "toy", "synthetic": True, "citation": "nobody", "fingerprint": "ab12"}
    for name, right in (("audio", 6), ("concat", 11)):
        config = {"name": name, "corpus": corpus, "labels": LABELS, "protocol": "official", "fold": 0, "n_folds": 1}
        run = RunFolder.open(root / f"{name}-0", config | {"seed": 0})
        if name == "audio":
            with track(run, group="fusion", tags=[]) as tracker:
                tracker.log_test(
                    predictions(right), LABELS, {"accuracy": 0.5, "macro_f1": 0.5, "balanced_accuracy": 0.5}
                )
        run.finish(predictions(right), {"train_s": 1.0})
        found[name] = run.path
    return found


@pytest.fixture(scope="module")
def server(folders):
    """The first run as W&B would show it after `wandb sync`: its summary and table are those that the client wrote."""
    summary = inspect(next((folders["audio"] / "wandb").glob("offline-run-*")))[0]["summary"]
    table = (folders["audio"] / "wandb/latest-run/files" / summary["test/predictions"]["path"]).read_bytes()
    config = {key: {"value": value} for key, value in RunFolder.load(folders["audio"]).config.items()}
    node = {"id": "1", "name": "x", "displayName": "audio-0", "state": "finished", "group": "fusion", "tags": []}
    node |= {"config": json.dumps(config), "summaryMetrics": json.dumps(summary), "systemMetrics": "{}"}
    node |= {"user": {"name": "s", "username": "s"}, "historyLineCount": 1, "readOnly": False}
    earlier = node | {"id": "2", "displayName": "report of fusion", "config": "{}"}
    of_all_songs = json.dumps(config | {"protocol": {"value": "all"}, "id": {"value": "untested"}})
    untested = node | {"id": "3", "displayName": "model", "config": of_all_songs}
    server = Server([earlier, untested, node], {summary["test/predictions"]["path"]: table})
    threading.Thread(target=server.serve_forever, daemon=True).start()
    yield server
    server.shutdown()


@pytest.fixture
def online(server, monkeypatch):
    monkeypatch.setenv("WANDB_MODE", "online")
    monkeypatch.setenv("WANDB_BASE_URL", server.url)
    monkeypatch.setenv("WANDB_API_KEY", "0" * 40)


@pytest.fixture
def mirrors(online):
    return read_mirrors(PLACE)


def test_a_synced_run_agrees_with_its_folder(mirrors, folders):
    assert [mirror.name for mirror in mirrors] == ["audio-0"]  # the report of the group is no run
    assert mirror_differences(mirrors, [folders["audio"]]) == []


def test_each_disagreement_is_said(mirrors, folders):
    sent = mirrors[0]
    sent.config["commit"], sent.summary["test/accuracy"] = "c0ffee", 0.75
    commit = RunFolder.load(folders["audio"]).config["commit"]
    assert mirror_differences(mirrors, [*folders.values()]) == [
        "W&B lacks 1 of 2 runs (concat-0); send them with `wandb sync RUN/wandb/offline-run-*`",
        f"audio-0: W&B has commit c0ffee, its folder {commit}",
        "audio-0: W&B has test/accuracy 0.75, its folder's predictions give 0.500000",
    ]
    assert "W&B has 1 runs that are in no folder given (audio-0)" in mirror_differences(mirrors, [folders["concat"]])


def test_a_run_read_from_there_is_scored_like_its_folder(mirrors, folders, tmp_path):
    (fetched,) = fetch_runs(mirrors, tmp_path / "runs")
    ours, theirs = (comparison_table(score_models(read_runs([run]))) for run in (folders["audio"], fetched))
    pd.testing.assert_frame_equal(ours.drop(columns="train_s"), theirs.drop(columns="train_s"))
    kept = pd.read_parquet(fetched / "predictions.parquet")
    assert np.stack(kept["logits"]).tolist() == np.stack(predictions(6)["logits"]).tolist()


def test_names_from_there_stay_in_the_folder_and_an_unfinished_run_is_one(mirrors, tmp_path):
    (sent,) = mirrors
    sent.summary.pop("test/predictions")
    (fetched,) = fetch_runs([replace(sent, name="../../audio")], tmp_path / "runs")
    assert fetched == tmp_path / "runs" / f".._.._audio-{sent.config['id']}"
    (run,) = read_runs([fetched])
    assert run.predictions is None


def test_runs_of_tags_are_not_rebuilt(mirrors, tmp_path):
    (sent,) = mirrors
    with pytest.raises(ValueError, match=r"audio-0 learned tags; experiments/multilabel\.py reports its run folder"):
        fetch_runs([replace(sent, config={**sent.config, "tags": ["calm"]})], tmp_path / "runs")


def test_an_empty_group_is_refused(online):
    with pytest.raises(ValueError, match=r"W&B has no run in music-mood-fusion/nothing; send runs with `wandb sync"):
        read_mirrors(Place("music-mood-fusion", "nothing"))


def one_figure(scores, comparisons, folder):
    """Instead of all, which take seconds to draw."""
    save_figure(confusion_matrices(scores), folder, "confusion")
    return {"confusion": FigureFile("confusion", "Confusions.")}


def test_offline_the_report_waits_as_one_run(folders, offline, tmp_path, capsys, monkeypatch):
    monkeypatch.setattr(written, "write_figures", one_figure)
    main(Config(runs=(folders["audio"].parent,), out=tmp_path / "report", wandb="someone/moods/fusion"))
    assert "W&B was not read: WANDB_MODE=offline" in capsys.readouterr().out
    (folder,) = (tmp_path / "report/wandb").glob("offline-run-*")
    summary, records = inspect(folder)
    assert (summary["name"], summary["project"]) == ("report of fusion", "moods")
    (started,) = [record["run"] for record in records if record["type"] == "run"]
    assert (started["entity"], started["run_group"], started["job_type"]) == ("someone", "fusion", "report")
    assert "concat and audio cannot be told apart" in started["notes"]
    files = folder / "files"
    kept = json.loads((files / summary["summary"]["tables/scores"]["path"]).read_text())
    row = dict(zip(kept["columns"], kept["data"][1], strict=True))
    assert (row["model"], row["accuracy"], row["accuracy_sd_seed"]) == ("concat", 11 / 12, None)
    picture = (files / summary["summary"]["figures/confusion"]["path"]).read_bytes()
    assert picture == (tmp_path / "report/confusion.png").read_bytes()


def test_without_a_key_one_line_says_what_to_set(folders, offline, monkeypatch):
    monkeypatch.delenv("WANDB_MODE")
    with pytest.raises(ValueError, match=r"--wandb needs a key: set WANDB_API_KEY .* or WANDB_MODE=offline"):
        can_read()
    with pytest.raises(ValueError, match="--wandb needs a key"):
        main(Config(runs=(folders["audio"],), wandb="moods/fusion"))
    with pytest.raises(ValueError, match="--wandb fusion: give PROJECT/GROUP or ENTITY/PROJECT/GROUP"):
        main(Config(runs=(folders["audio"],), wandb="fusion"))
    monkeypatch.setenv("WANDB_MODE", "offline")
    with pytest.raises(ValueError, match="reads no runs from W&B; name a folder"):
        main(Config(wandb="moods/fusion"))
