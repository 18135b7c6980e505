"""A song's way from file to answer: `MoodPredictor` beside the slides' way with the same words' encoder."""

from collections.abc import Callable
from dataclasses import asdict
from pathlib import Path

import torch

from research.batch import pad_tokens
from research.bench import slides
from research.bench.limits import decode_only
from research.bench.material import LABELS, Material
from research.bench.measurement import Measurement, times_faster
from research.bench.pairs import Side, interleave
from research.data.songs import InputConfig
from research.features.lyrics import tokenize_lyrics
from research.inference import MoodPredictor
from research.models.classifier import ModelConfig, MoodClassifier
from research.models.lyrics import MINILM, LyricsConfig, LyricsEncoder, load_tokenizer
from research.runs import RunFolder

INPUTS = InputConfig()
MODEL = ModelConfig(lyrics=LyricsConfig(model=MINILM, trainable_layers=0))
"""The model of the main job."""


def predict_vs_slides(material: Material) -> list[Measurement]:
    clip, words = material.clips.short[0], material.words
    predictor, folder = MoodPredictor(_untrained_run(material)), material.new_folder("slides_predict")
    sides = {
        "ours": Side(lambda: predictor.predict(clip, words)),
        "reference": Side(_slides_predictor(clip, words, folder)),
        "limit": decode_only([clip], 1),
    }
    return [
        times_faster(
            interleave(sides, material.size.rounds),
            key="predict_vs_slides",
            target=4,
            ours=f"{material.size.clip_s:g} s clip and lyrics, file to answer",
            reference="mp3, wav, figure, JPG, ResNet18; MiniLM; fp32",
            limit="decode only",
        )
    ]


def song_vs_clip(material: Material) -> list[Measurement]:
    """How much dearer a whole song is than a preview."""
    clip, song, words = material.clips.short[0], material.clips.song, material.words
    predictor = MoodPredictor(_untrained_run(material))
    sides = {
        "ours": Side(lambda: predictor.predict(song, words)),
        "clip": Side(lambda: predictor.predict(clip, words)),
        "limit": decode_only([song], 1),
    }
    rounds = interleave(sides, material.size.rounds)
    found = rounds.ratio("ours", "clip")
    return [
        Measurement(
            key="song_vs_clip",
            value=found.wall,
            cpu=found.cpu,
            target=6,
            at_most=True,
            ours=f"song of {material.size.song_s:g} s and lyrics, file to answer",
            reference=f"clip of {material.size.clip_s:g} s and lyrics",
            limit="decode only",
            limit_share=rounds.ratio("limit", "ours").cpu,
        )
    ]


def _untrained_run(material: Material) -> RunFolder:
    """A run as the main job leaves it, but for the training: random weights cost as much as learned ones."""
    torch.manual_seed(0)
    config = {
        "name": "fusion",
        "inputs": asdict(INPUTS),
        "labels": LABELS,
        "corpus": {"name": "bench", "synthetic": True},
        "model": asdict(MODEL),
    }
    run = RunFolder.open(material.new_folder("untrained"), config)
    run.save_weights(MoodClassifier(MODEL, n_labels=len(LABELS), n_mels=INPUTS.mel.n_mels))
    return run


def _slides_predictor(clip: Path, words: str, folder: Path) -> Callable[[], None]:
    network, encoder = slides.new_network(len(LABELS)).eval(), LyricsEncoder(MODEL.lyrics).eval()
    tokenizer = load_tokenizer(MODEL.lyrics)

    @torch.no_grad()
    def predict() -> None:
        slides.classify(network, slides.clip_to_jpg(clip, folder))
        tokens = tokenize_lyrics([words], tokenizer, INPUTS.max_tokens)
        encoder(*(torch.from_numpy(array) for array in pad_tokens(tokens)))

    return predict
