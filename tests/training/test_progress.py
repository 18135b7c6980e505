"""Which epoch is the best."""

import pytest

from research.training.progress import Progress


def run(select_by: str, scores: list[float]) -> list[int]:
    """The best epoch after each."""
    progress, best = Progress(), []
    for score in scores:
        progress.add_epoch({f"valid/{select_by}": score, "valid/other": -score}, seconds=2.0, select_by=select_by)
        best.append(progress.best_epoch)
    assert [row["epoch"] for row in progress.history] == list(range(1, len(scores) + 1))
    assert progress.seconds == 2.0 * len(scores)
    return best


@pytest.mark.parametrize(
    ("select_by", "scores", "best"),
    [
        ("macro_f1", [0.2, 0.5, 0.4, 0.5, 0.1], [1, 2, 2, 4, 4]),  # of equals the later
        ("loss", [0.9, 0.5, 0.7, 0.5, 0.6], [1, 2, 2, 4, 4]),  # the less the better
        ("last", [0.9, 0.5, 0.7], [1, 2, 3]),
        ("loss", [float("nan"), 0.8, float("nan")], [0, 2, 2]),  # no number is no best
    ],
)
def test_the_best_epoch_by_hand(select_by, scores, best):
    assert run(select_by, scores) == best
