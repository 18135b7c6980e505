"""Torch's threads in parts of a song that are computed at the same time."""

from concurrent.futures import ThreadPoolExecutor

import pytest
import torch

from research.inference.threads import share_of_threads


@pytest.fixture
def four_threads():
    before = torch.get_num_threads()
    torch.set_num_threads(4)
    yield
    torch.set_num_threads(before)


@pytest.mark.usefixtures("four_threads")
def test_a_share_is_of_this_thread_alone_and_ends_with_its_context():
    with ThreadPoolExecutor(1) as pool:
        with share_of_threads(2):
            assert torch.get_num_threads() == 2
            assert pool.submit(torch.get_num_threads).result() == 4
        assert torch.get_num_threads() == 4


@pytest.mark.usefixtures("four_threads")
def test_the_threads_of_a_pool_begin_with_their_share():
    with ThreadPoolExecutor(1, initializer=share_of_threads, initargs=(2,)) as pool:
        assert pool.submit(torch.get_num_threads).result() == 2
    assert torch.get_num_threads() == 4


@pytest.mark.usefixtures("four_threads")
def test_a_share_is_one_thread_at_least():
    with share_of_threads(8):
        assert torch.get_num_threads() == 1
