"""This file knows the linear sketch (``ingest.weights.countsketch``) on a GPU: the hashes come from the processor, one word for 64
values, and signs, turns and sums are made there.

The sums are those of the same float32 numbers in float64, in another order. Of m numbers that meet in one of the K sums either
order is off by at most m 2^-53 of the sum of their sizes, so that both agree within ``EXACT`` of it up to 2^20 K values a matrix.
What else a whole reading does, above all SHA-256, stays on the processor.
"""

from __future__ import annotations

from functools import partial
from typing import Final

import numpy as np

from ingest.weights.checkpoint import Values
from ingest.weights.countsketch import WORD, Doubles, Sketching, hashed, sketch, turns
from ingest.weights.device import is_gpu

EXACT: Final = 2.0**-32
WORTHWHILE: Final = 2**31  # values: NumPy takes some seconds for their sketch, which is as long as torch takes to start
_AT_ONCE = 1 << 24  # values; some 20 bytes each on the device


def sketching(count: int, device: str = "auto") -> Sketching:
    """What sketches the ``count`` values of a model. ``device``: see ``ingest.weights.device``. Raises BadInput."""
    return partial(torch_sketch, device="cuda") if is_gpu(device, worthwhile=count >= WORTHWHILE) else sketch


def torch_sketch(values: Values, seed: int, size: int, *, device: str, at_once: int = _AT_ONCE) -> Doubles:
    """S of all values in their order, on any of torch's devices. Shape: (size,)."""
    import torch

    line = torch.from_numpy(np.require(values, np.float32, ["C", "W"]).reshape(-1))
    sums = torch.zeros(size, dtype=torch.float64, device=device)
    place = torch.arange(size, device=device)
    bit = torch.arange(8, dtype=torch.uint8, device=device)
    step = max(1, at_once // size) * size
    for begin in range(0, len(line), step):
        part = line[begin : begin + step].to(device)
        runs = -(-len(part) // size)
        words = hashed(seed, begin // WORD, -(-len(part) // WORD)).astype("<u8").view(np.uint8)
        bits = torch.from_numpy(words).to(device).unsqueeze(1) >> bit & 1  # (bytes, 8) uint8
        signed = torch.where(bits.flatten()[: len(part)].bool(), -part, part)
        whole = torch.nn.functional.pad(signed, (0, runs * size - len(part))).view(runs, size)
        turn = torch.from_numpy(turns(seed, begin // size, runs, size)).to(device)
        from_where = (place - turn.unsqueeze(1)) % size  # (runs, size) int64
        sums += whole.gather(1, from_where).sum(dim=0, dtype=torch.float64)
    found: Doubles = sums.cpu().numpy()
    return found
