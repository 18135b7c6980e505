"""A song's way from file to answer: `MoodPredictor` beside the slides' way with the same words' encoder."""

import os
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import asdict
from itertools import cycle, islice
from pathlib import Path

import numpy as np
import torch

from research.batch import pad_tokens
from research.bench import slides
from research.bench.limits import decode_only
from research.bench.material import LABELS, Material
from research.bench.measurement import Measurement, times_faster
from research.bench.pairs import Side, interleave
from research.data.songs import InputConfig
from research.features.audio import load_log_mel, window_starts
from research.features.lyrics import tokenize_lyrics
from research.inference import MoodPredictor, Song
from research.inference.folded import fold_norms
from research.models.classifier import ModelConfig, MoodClassifier
from research.models.lyrics import MINILM, LyricsConfig, LyricsEncoder, load_tokenizer
from research.models.precision import fast_products
from research.runs import RunFolder

INPUTS = InputConfig()
MODEL = ModelConfig(lyrics=LyricsConfig(model=MINILM, trainable_layers=0))
"""The model of the main experiment."""


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


def folder_vs_parts(material: Material) -> list[Measurement]:
    """What a folder of songs costs beside its parts alone, spectrogram, windows and networks, on as many cores."""
    predictor, words, cores = MoodPredictor(_untrained_run(material)), material.words, os.cpu_count() or 1
    clips = list(islice(cycle(material.clips.short), material.size.folder))
    network = fold_norms(predictor.model.audio)

    @torch.inference_mode()
    def parts(clip: Path) -> None:
        mel = load_log_mel(clip, INPUTS.mel)
        starts = window_starts(len(mel), INPUTS.window_frames, INPUTS.eval_windows)
        windows = np.stack([np.resize(mel[start:], (INPUTS.window_frames, mel.shape[1])) for start in starts])
        with fast_products():
            network(torch.from_numpy(windows).transpose(1, 2)[:, None])
        predictor.reader.read([words])

    def all_parts() -> None:
        with ThreadPoolExecutor(cores) as pool:
            list(pool.map(parts, clips))

    sides = {
        "ours": Side(lambda: list(predictor.predict_many(Song(clip, words) for clip in clips)), len(clips)),
        "reference": Side(all_parts, len(clips)),
        "limit": decode_only(clips, len(clips) * cores),
    }
    threads = torch.get_num_threads()
    torch.set_num_threads(1)  # a song a core, as `mood predict` does
    try:
        rounds = interleave(sides, material.size.rounds)
    finally:
        torch.set_num_threads(threads)
    return [
        times_faster(
            rounds,
            key="folder_vs_parts",
            target=0.8,
            ours=f"folder of {material.size.clip_s:g} s clips and lyrics, files to answers",
            reference="spectrogram, windows and networks alone",
            limit="decode only, all cores",
        )
    ]


def _untrained_run(material: Material) -> RunFolder:
    """A run as the main experiment leaves it, but for the training: random weights cost as much as learned ones."""
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
