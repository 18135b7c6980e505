"""`python -m baselines` whole: an epoch of Model 1, no weights for Model 2, and what the report then says."""

from dataclasses import replace

import pandas as pd

from baselines import __main__ as program
from baselines.__main__ import Config, main
from baselines.majority import MAJORITY
from baselines.slides import MODEL_1


def test_what_can_run_is_reported_and_the_rest_named(disk_table, tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(program, "BASELINES", (MAJORITY,))  # all of them stand in test_all_classical
    monkeypatch.setattr(program, "MODEL_1", replace(MODEL_1, epochs=1))
    config = Config(tracks=disk_table, weights="no/such.pth")
    main(config)
    table = pd.read_csv("reports/baselines/baselines.csv")
    assert set(table["model"]) == {"slides-model1", "majority"}
    honest = table[table["protocol"] == "artist"]
    assert honest["songs"].nunique() == 1  # everyone on the networks' test songs
    text = (tmp_path / "reports" / "baselines" / "baselines.md").read_text(encoding="utf-8")
    for protocol in ("slides", "honest"):
        assert f"**slides-model2 ({protocol}) left out**: weights no/such.pth: no such file" in text
    before = {path: path.stat().st_mtime_ns for path in (tmp_path / "runs").rglob("*")}
    capsys.readouterr()
    main(config)
    assert {path: path.stat().st_mtime_ns for path in (tmp_path / "runs").rglob("*")} == before
    # The majority on four folds, Model 1 by two protocols.
    assert capsys.readouterr().out.count("finished before, kept") == 6
    main(replace(config, mix="slides"))  # asked of Model 2 alone
    text = (tmp_path / "reports" / "baselines" / "baselines.md").read_text(encoding="utf-8")
    assert "**slides-model2-slidesmix (slides) left out**" in text
    assert "slides-model1-slidesmix" not in text
