"""This file knows what does the heavy sums: a GPU through torch, where there is one and it is worth it, or the processor."""

from __future__ import annotations

from importlib.util import find_spec
from typing import Final

from graph.errors import BadInput

DEVICES: Final = ("auto", "cpu", "cuda")


def is_gpu(device: str, *, worthwhile: bool) -> bool:
    """Whether a GPU does it: "cuda" asks for one, "auto" takes one where torch finds it and importing torch is worthwhile.

    Raises BadInput when "cuda" is asked for and is not to be had.
    """
    if device == "cpu" or (device == "auto" and (not worthwhile or find_spec("torch") is None)):
        return False
    if find_spec("torch") is None:
        raise BadInput("the GPU is used through torch: pip install 'modelstemma[torch]', or leave the device out")
    import torch

    if not torch.cuda.is_available():
        if device == "cuda":
            raise BadInput("torch finds no GPU here: leave the device out, and the processor does the work")
        return False
    return True
