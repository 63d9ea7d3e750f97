"""This file knows what is held of one model while its origin is sought: its matrices in the one space, or windows of them, its
exact identity, and when it was uploaded.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from functools import cached_property
from hashlib import blake2b

import numpy as np
import numpy.typing as npt

from graph.novelty import Tier
from ingest.weights.checkpoint import Checkpoint, Values
from ingest.weights.digesting import Digesting
from ingest.weights.exact import Described, Digest, Identity, identity
from ingest.weights.formats import FLOATS, spacing, stored
from ingest.weights.roles import is_layer
from ingest.weights.sample import sampled
from ingest.weights.space import placed, places
from ingest.weights.torch_sketch import sketching
from ingest.weights.whole import Whole

Doubles = npt.NDArray[np.float64]
BUDGET = 1_000_000  # values of one model that are kept for comparison
_COARSE = frozenset({"BF16", "F16"})  # dtypes that weights are rounded to
_LARGEST = 1e12  # values beyond it are no weights, and sums of their squares overflow float32


@dataclass(frozen=True)
class Member:
    """One model. ``matrices`` by role, (out, in) float32; rows of a seeded window when ``windowed``."""

    id: str
    dtype: str
    matrices: Mapping[str, Values]
    identity: Identity
    digests: tuple[Digest, ...]
    created_at: datetime | None = None
    windowed: bool = False
    said: Mapping[str, str] = field(default_factory=dict)  # what the file says of itself
    described: tuple[Described, ...] = ()  # what the header told, of a model whose bytes were not all read
    read_bytes: int = 0  # of its weights
    whole: Values | None = (
        None  # the linear sketch of all matrices, where every byte was read: see ``ingest.weights.whole``
    )

    @property
    def tier(self) -> Tier:
        """How much of it was read: T1, the header and windows; T2, every byte."""
        return Tier.T1 if self.described else Tier.T2

    @cached_property
    def tensors(self) -> tuple[Described, ...]:
        """All its tensors, read or not."""
        return self.described or tuple(Described(each.role, each.shape, each.dtype) for each in self.digests)

    @cached_property
    def layout(self) -> tuple[tuple[str, tuple[int, ...]], ...]:
        """Roles and shapes of all tensors, whatever was read of them."""
        return tuple(sorted((tensor.role, tensor.shape) for tensor in self.tensors))

    @cached_property
    def shapes(self) -> tuple[tuple[str, tuple[int, ...]], ...]:
        """Roles and shapes, of windows with the rows of the whole: models with the same are compared weight by weight."""
        if not self.windowed:
            return tuple((role, values.shape) for role, values in sorted(self.matrices.items()))
        rows = {tensor.role: tensor.shape[0] for tensor in self.tensors if len(tensor.shape) == 2}
        return tuple((role, (*values.shape, rows.get(role, 0))) for role, values in sorted(self.matrices.items()))

    @cached_property
    def layers(self) -> tuple[tuple[str, tuple[int, ...]], ...]:
        """Those of ``shapes`` that are parts of layers."""
        return tuple(part for part in self.shapes if is_layer(part[0]))

    @cached_property
    def stack(self) -> Mapping[str, tuple[str, ...]]:
        """The digest of each layer, by the "value", "bf16" and "fp16" of ``Digest``; of none, where not all was read."""
        layers: defaultdict[str, list[Digest]] = defaultdict(list)
        for digest in self.digests:
            if is_layer(digest.role) and not digest.trivial:
                layers[digest.role.partition(".")[0]].append(digest)
        return {
            kind: tuple(_of_layer(layer, kind) for _, layer in sorted(layers.items()))
            for kind in ("value", "bf16", "fp16")
        }

    @cached_property
    def flat(self) -> Values:
        """All kept weights in one line, by role."""
        lines = [self.matrices[role].reshape(-1) for role in sorted(self.matrices)]
        return np.concatenate(lines) if lines else np.empty(0, dtype=np.float32)

    @cached_property
    def spacing(self) -> Values:
        """The distance of neighbouring numbers of the stored dtype, around each of ``flat``."""
        return spacing(self.flat, self.dtype)

    @cached_property
    def rounding(self) -> float:
        """The energy of this model's own rounding: the sum of spacing**2 / 12."""
        return float((self.spacing.astype(np.float64) ** 2).sum() / 12)

    def held_as(self, dtype: str) -> Member:
        """The model with its matrices rounded to a dtype, as one of that dtype has them that left them untouched."""
        if dtype not in _COARSE or self.dtype == dtype:
            return self
        return replace(
            self, dtype=dtype, matrices={role: stored(values, dtype) for role, values in self.matrices.items()}
        )

    @property
    def is_float(self) -> bool:
        """Whether it is stored as floating point numbers."""
        return self.dtype in FLOATS


def _of_layer(digests: Sequence[Digest], kind: str) -> str:
    """The digest of a layer, wherever it lies."""
    parts = sorted((digest.role.partition(".")[2], getattr(digest, kind)) for digest in digests)
    return blake2b(repr(parts).encode(), digest_size=16).hexdigest()


def member(
    id: str,
    checkpoint: Checkpoint,
    created_at: datetime | None = None,
    budget: int = BUDGET,
    on_bytes: Callable[[int], None] = lambda _: None,
    device: str = "auto",
) -> Member:
    """Read a checkpoint once: digests of everything, and the matrices or windows of them within ``budget`` values.

    ``on_bytes`` is told of the bytes of each tensor that was read. ``device``: what sketches, see ``ingest.weights.device``; raises
    BadInput when that is not to be had.
    """
    whole = sum(tensor.count for tensor in checkpoint.tensors.values())
    sums = Whole(sketching(whole, device))
    kept: dict[str, Values] = {}
    windowed = whole > budget
    chosen = sampled({place.role: place.shape for place in places(checkpoint)}, budget) if windowed else {}
    with Digesting() as digesting:
        for tensor in placed(checkpoint):
            digesting.add(tensor.role, tensor.values, tensor.dtype)
            on_bytes(tensor.size_bytes)
            if not is_comparable(tensor.values):
                continue
            sums.add(tensor.role, tensor.values)
            window = chosen.get(tensor.role)
            if window is None and windowed:
                continue
            part = tensor.values if window is None else window.of(tensor.values)
            kept[tensor.role] = np.array(part, dtype=np.float32, order="C")  # a copy, that the whole may go
        digests = digesting.digests
    whose = identity(digests)
    return Member(
        id,
        whose.dtype,
        kept,
        whose,
        digests,
        created_at,
        windowed,
        dict(checkpoint.metadata),
        read_bytes=checkpoint.size_bytes,
        whole=sums.values,
    )


def is_comparable(values: Values) -> bool:
    """Whether a tensor is a matrix that holds something, and nothing but numbers that can be reckoned with."""
    if values.ndim != 2 or not values.size:
        return False
    return bool(values.min() >= -_LARGEST and values.max() <= _LARGEST)  # false of what is no number
