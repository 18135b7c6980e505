"""Model 1 of the slides: ResNet18 from scratch on pictures of spectrograms, four moods, 20 epochs.

Run: python baselines/model1.py --tracks data/qaed4/tracks.parquet --out runs/baselines-qaed4 [--protocol slides]
In bf16 and channels-last it trains 2.08 times [1.97, 2.15] as many pictures a second as the slides' own way (JPG
through Pillow, fp32): `mood bench --only model1_vs_slides`.
"""

from baselines.picture_models import Config, run_slide_model
from baselines.slides import MODEL_1
from research.command import run_command
from research.models.picture import PictureConfig

FROM_NOTHING = PictureConfig()


def main(config: Config) -> None:
    run_slide_model(MODEL_1, FROM_NOTHING, config)


if __name__ == "__main__":
    run_command(main, Config, __doc__)
