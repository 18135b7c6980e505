"""Start-up time of the command line."""

import subprocess
import sys
from functools import partial

from research.bench.material import Material
from research.bench.measurement import Measurement
from research.bench.pairs import Side, interleave

HELP = "import sys; from research.cli import main; sys.argv[0] = 'mood'; main(['--help'])"


def help_vs_python(material: Material) -> list[Measurement]:
    rounds = interleave(
        {"ours": Side(partial(_python, HELP)), "reference": Side(partial(_python, "pass"))}, 3 * material.size.rounds
    )
    found = rounds.ratio("ours", "reference")
    return [
        Measurement(
            key="help_vs_python",
            value=found.wall,
            cpu=found.cpu,
            target=12,
            at_most=True,
            ours="mood --help",
            reference="python -c pass",
            limit="python -c pass",
            limit_share=rounds.ratio("reference", "ours").cpu,
        )
    ]


def _python(program: str) -> None:
    subprocess.run([sys.executable, "-c", program], check=True, stdout=subprocess.DEVNULL)
