"""Model 2 of the slides: ResNet18 pretrained on photos, angry, happy or sad, 15 epochs; only its last layer learns.

Run: python baselines/model2.py --tracks data/qaed4/tracks.parquet --out runs/baselines-qaed4 [--protocol slides]
`--mix slides` draws the songs in the slides' proportions (55 % happy, 35 % sad, 10 % angry), as its own run.
"""

from dataclasses import dataclass

import tyro

from baselines import picture_models
from baselines.picture_models import run_slide_model
from baselines.slides import MODEL_2
from research.command import run_command
from research.models.audio import IMAGENET
from research.models.picture import PictureConfig


@dataclass(frozen=True, kw_only=True)
class Config:
    task: tyro.conf.OmitArgPrefixes[picture_models.Config] = picture_models.Config()
    weights: str = IMAGENET
    """"imagenet" (torchvision's, downloaded once) or a file with a ResNet18 state dict, which may be partial."""
    fine_tuned: bool = False
    """All layers learn, which the slides' did not."""


def main(config: Config) -> None:
    run_slide_model(MODEL_2, PictureConfig(weights=config.weights, frozen=not config.fine_tuned), config.task)


if __name__ == "__main__":
    run_command(main, Config, __doc__)
