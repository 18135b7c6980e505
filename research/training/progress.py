"""Progress of a training run, and selection of its best epoch."""

from collections.abc import Mapping
from dataclasses import dataclass, field


@dataclass
class Progress:
    """Where a run stands at the end of an epoch; epochs count from 1."""

    epoch: int = 0
    best_epoch: int = 0
    seconds: float = 0.0
    history: list[dict[str, float]] = field(default_factory=list)

    def add_epoch(self, scores: Mapping[str, float], seconds: float, select_by: str) -> None:
        self.epoch += 1
        self.seconds += seconds
        self.history.append({"epoch": self.epoch, **scores})
        best = self.history[self.best_epoch - 1]
        if select_by == "loss":
            better = scores["valid/loss"] <= best["valid/loss"]
        else:
            better = select_by == "last" or scores[f"valid/{select_by}"] >= best[f"valid/{select_by}"]
        # Of equals the later: few validation songs leave many ties, and an early lucky epoch knows less.
        if better:
            self.best_epoch = self.epoch
