"""The numbers that the documentation says were computed are those that its program computes."""

import contextlib
import io
import re
from pathlib import Path

import pytest

from data_prep.web.services import PUBLIC
from research.features.audio import MelSettings

PAGE = Path(__file__).parents[2] / "docs/scale.md"


@pytest.fixture(scope="module")
def page() -> str:
    return PAGE.read_text(encoding="utf-8")


@pytest.fixture(scope="module")
def program(page) -> tuple[dict, str]:
    """Names that the page's program defines, and what it prints."""
    code, names, printed = re.search(r"```python\n(.*?)```", page, re.DOTALL).group(1), {}, io.StringIO()
    with contextlib.redirect_stdout(printed):
        exec(compile(code, str(PAGE), "exec"), names)
    return names, printed.getvalue()


def test_the_table_is_what_the_program_prints(page, program):
    assert "| computing | 0.56 USD |" in program[1]  # 1e6 * 0.040 s / 3600 * 0.05 USD
    assert program[1] in page


def test_the_program_uses_the_rates_and_settings_of_the_code(program):
    names, settings = program[0], MelSettings()
    assert names["FRAMES"] == 1 + 30 * settings.sample_rate // settings.hop_length
    assert names["STORE_B"] == names["FRAMES"] * settings.n_mels * 2 + 176
    for service, name in ((PUBLIC.deezer, "DEEZER_S"), (PUBLIC.downloads, "DOWNLOAD_S"), (PUBLIC.lrclib, "LRCLIB_S")):
        assert names[name] == pytest.approx(service.period_s / service.calls, rel=1e-12)
