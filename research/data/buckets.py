"""Batches of songs with lyrics of similar length, to reduce padding."""

from collections.abc import Iterator

import numpy as np
import torch
from jaxtyping import Int
from torch.utils.data import DataLoader, Dataset, Sampler

from research.batch import Batch, PictureBatch
from research.data.waveforms import WaveformBatch

AnyBatch = Batch | PictureBatch | WaveformBatch


class LengthBuckets(Sampler[list[int]]):
    """Batches of songs with words of like length, so that little is padded; the short batch, if any, comes last.

    `batch_size` and `drop_last` are the names by which accelerate shares batches among processes.
    """

    drop_last = False

    def __init__(self, lengths: Int[np.ndarray, " songs"], batch_size: int, *, shuffle: bool, seed: int = 0):
        self.lengths = lengths
        self.batch_size = batch_size
        self.shuffle = shuffle
        self.seed = seed
        self.epoch = 0

    def __len__(self) -> int:
        return -(-len(self.lengths) // self.batch_size)

    def __iter__(self) -> Iterator[list[int]]:
        generator = np.random.default_rng([self.seed, self.epoch])
        order = np.arange(len(self.lengths))
        pool = len(order)
        if self.shuffle:
            order, pool = generator.permutation(order), 16 * self.batch_size
        for start in range(0, len(order), pool):
            part = order[start : start + pool]
            order[start : start + pool] = part[np.argsort(self.lengths[part], kind="stable")]
        batches = [order[i : i + self.batch_size].tolist() for i in range(0, len(order), self.batch_size)]
        whole = len(self.lengths) // self.batch_size
        if self.shuffle:
            yield from (batches[i] for i in generator.permutation(whole))
        else:
            yield from batches[:whole]
        yield from batches[whole:]


def batch_loader(
    dataset: Dataset, lengths: Int[np.ndarray, " songs"], batch_size: int, *, shuffle: bool, seed: int
) -> DataLoader:
    """Batches of a dataset that reads whole ones. No worker processes: on a memory map they cost 3-4x.

    Args:
        lengths: by which songs share a batch; all equal where nothing is padded.
    """
    buckets = LengthBuckets(lengths, batch_size, shuffle=shuffle, seed=seed)
    return DataLoader(dataset, batch_sampler=buckets, collate_fn=_as_is, pin_memory=torch.cuda.is_available())


def _as_is(batch: AnyBatch) -> AnyBatch:
    return batch
