"""Settings in which models differ, and those they share; settings that a model never reads are left out."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from research.reports.document import Block, Bullets, Paragraph
from research.reports.formats import NONE
from research.reports.marks import flat_settings
from research.reports.scores import ModelScore

NETWORK = tuple(f"model.audio.{name}" for name in ("network", "weights", "time_pool", "learning_rate", "layer_decay"))
"""Of sound that learns."""
SPECTROGRAM = (
    *("inputs.mel.", "inputs.stored", "inputs.window_frames", "inputs.eval_windows"),
    *(f"train.augmentation.{name}" for name in ("time_mask", "mel_mask", "gain_db")),
)
TWO_SIDES = (
    *("model.fusion", "train.side_loss"),
    *(f"train.augmentation.{name}" for name in ("drop_audio", "drop_lyrics", "swap_lyrics")),
)


def settings_blocks(scores: Sequence[ModelScore]) -> list[Block]:
    """A bullet a model with what sets it apart, then what all share."""
    settings = [model_settings(score.config) for score in scores]
    recorded = [found for found in settings if found]
    keys = list(dict.fromkeys(key for found in recorded for key in found))
    different = [key for key in keys if len({found.get(key, NONE) for found in recorded}) > 1]
    shared = [f"{key} {recorded[0][key]}" for key in keys if key not in different]
    blocks: list[Block] = []
    if different or len(recorded) < len(settings):
        apart = [
            f"{score.name} ({score.protocol}): {_apart(found, different)}"
            for score, found in zip(scores, settings, strict=True)
        ]
        blocks = [Paragraph("In what they differ:"), Bullets(apart)]
    return [*blocks, Paragraph(f"Shared settings: {'; '.join(shared) or 'none recorded'}.")]


def model_settings(config: Mapping[str, Any]) -> dict[str, str]:
    """Settings of model, training and inputs that a run read; a path by its last part: the rest tells of a machine."""
    unread = tuple(_unread(config))
    settings = {key: _words(value) for key, value in flat_settings(config).items() if not key.startswith(unread)}
    return settings | ({"epoch picked on": config["selected_on"]} if "selected_on" in config else {})


def _unread(config: Mapping[str, Any]) -> list[str]:
    """Beginnings of the names of settings that stand in a configuration without having had an effect."""
    model, train = config.get("model") or {}, config.get("train") or {}
    unread = []
    if "audio" in model:
        audio, lyrics = model["audio"], model["lyrics"]
        if audio is None or audio.get("frozen"):
            unread += [*NETWORK, *SPECTROGRAM]
        if audio is None or not audio.get("frozen"):
            unread.append("train.augmentation.pieces")
        if lyrics is None:
            unread += ["inputs.max_tokens", "train.augmentation.drop_words"]
        elif lyrics.get("trainable_layers") == 0:
            unread += [f"model.lyrics.{name}" for name in ("attention_dropout", "learning_rate", "layer_decay")]
            unread.append("train.augmentation.drop_words")
        if None in (audio, lyrics):
            unread += TWO_SIDES
    if train.get("schedule") == "cosine":
        unread += ["train.step_epochs", "train.step_factor"]
    if train.get("schedule") == "step":
        unread.append("train.warmup")
    if train.get("select_by") == "last":
        unread.append("train.patience")
    if "tags" not in config:
        unread.append("train.tag_loss")
    return unread


def _apart(settings: Mapping[str, str], different: Sequence[str]) -> str:
    if not settings:
        return "settings not recorded, as of a model made of others' answers"
    return "; ".join(f"{key} {settings[key]}" for key in different if key in settings) or "the shared settings alone"


def _words(value: Any) -> str:
    if isinstance(value, Sequence) and not isinstance(value, str):
        return ", ".join(f"({_words(item)})" if isinstance(item, list) else _words(item) for item in value)
    return Path(str(value)).name or str(value)
