"""The mood of a song by an exported folder, with onnxruntime and NumPy alone: python onnx_predict.py FOLDER SONG.wav

The song is a 16-bit mono WAV at the model's sample rate (22,050 Hz by default). Words are left out here: they would be
the token ids of FOLDER/lyrics/tokenizer.json in chunks of 256, with `has_lyrics` true.
"""

import json
import sys
import wave
from pathlib import Path

import numpy as np
import onnxruntime

folder, song = sys.argv[1:]
config, filters = json.loads(Path(folder, "config.json").read_text()), np.load(f"{folder}/mel_filters.npy")
mel, frames = config["inputs"]["mel"], config["inputs"]["window_frames"]
with wave.open(song) as file:
    assert (file.getframerate(), file.getnchannels(), file.getsampwidth()) == (mel["sample_rate"], 1, 2), "see above"
    samples = np.frombuffer(file.readframes(-1), np.int16) / np.float32(32_768)
cut = np.lib.stride_tricks.sliding_window_view(np.pad(samples, mel["n_fft"] // 2), mel["n_fft"])[:: mel["hop_length"]]
power = np.abs(np.fft.rfft(cut * np.hanning(mel["n_fft"] + 1)[:-1])) ** 2
decibels = 10 * np.log10(np.maximum(power @ filters.T, 1e-10))  # (frames, n_mels)
decibels = np.maximum(decibels, decibels.max() - (mel["top_db"] or np.inf))
decibels = np.resize(decibels, (max(len(decibels), frames), mel["n_mels"]))
count = max(config["inputs"]["eval_windows"], -(-len(decibels) // frames))
starts = np.unique(np.linspace(0, len(decibels) - frames, count).round().astype(int))
windows = np.stack([decibels[start : start + frames].T for start in starts]).astype(np.float32)
inputs = {"mel": windows[None], "has_audio": np.array([True]), "has_lyrics": np.array([False])}
inputs |= {name: np.ones((1, 1, 2), np.int64) for name in ("input_ids", "attention_mask")}
session = onnxruntime.InferenceSession(f"{folder}/model.onnx")
logits = session.run(None, {known.name: inputs[known.name] for known in session.get_inputs()})[0][0]
shares = np.exp(logits[: len(config["labels"])] / config["calibration"]["temperature"])
print(json.dumps(dict(zip(config["labels"], (shares / shares.sum()).tolist(), strict=True))))
