"""This file knows what ggml calls a tensor of another library's name, by the tables of the ``gguf`` package.

A name that the tables give to different tensors, of different architectures, has none here.
"""

from __future__ import annotations

import re
from functools import cache

_NUMBER = re.compile(r"(?<=\.)\d+(?=\.)")


def ggml_name(name: str) -> str | None:
    """The name that ggml gives a tensor, both without "weight" or "bias"; None when the tables do not know it."""
    number = _NUMBER.search(name)
    found = _tables().get(name if number is None else _NUMBER.sub("{bid}", name, count=1))
    return None if found is None else found.replace("{bid}", "" if number is None else number[0])


@cache
def _tables() -> dict[str, str]:
    """Names in ggml by those of others; "{bid}" stands for the number of a layer in both."""
    from gguf.constants import TENSOR_NAMES
    from gguf.tensor_mapping import TensorNameMap

    found: dict[str, set[str]] = {}
    for table in (TensorNameMap.mappings_cfg, TensorNameMap.block_mappings_cfg):
        for tensor, names in table.items():
            for name in names:
                found.setdefault(name, set()).add(TENSOR_NAMES[tensor])
    return {name: min(known) for name, known in found.items() if len(known) == 1}
