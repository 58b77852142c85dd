"""A thread of its own for work on single digits, which PyTorch may not spread over the cores."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor

import torch


def pool_of_one_core(name: str) -> ThreadPoolExecutor:
    """A few digits gain nothing from more threads, and lose much beside a training."""
    pool = ThreadPoolExecutor(1, thread_name_prefix=name)
    threads = torch.get_num_threads()
    # A thread takes the common number over when it first asks, so it asks before.
    pool.submit(torch.get_num_threads).result()
    pool.submit(torch.set_num_threads, 1).result()
    torch.set_num_threads(threads)  # what threads that start later will use
    return pool
