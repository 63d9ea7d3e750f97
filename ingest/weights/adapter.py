"""This file knows whether a low-rank adapter can have been made for a base model: whether its matrices fit those of the base.

A module W of the base, (out, in), has A, (rank, in), and B, (out, rank). An adapter fits a base that holds each of its modules with
these sides. When the base that it names was read, that is told of the claim:

    it fits          log-odds  log (n + 2) / (k + 1):  of n other models that were read k fit too (rule of succession)
    it does not      the claim is wrong, but for a base that was another when the adapter was made (2 in 100, set by hand)

Modules that the base does not hold under that role, such as those of experts, say nothing unless none is held.
"""

from __future__ import annotations

import math
import re
from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from typing import Final

from graph.records import ClaimRecord
from ingest.weights.checkpoint import Tensor
from ingest.weights.exact import Described
from ingest.weights.roles import role_of

WEIGHTS: Final = "adapter_model.safetensors"
_SIDE = re.compile(r"(?:base_model\.model\.)?(.+)\.lora_([AB])(?:\.\w+)?\.weight")
_FUSED = {"qkv": ("query", "key", "value"), "gate_up": ("gate", "up")}
_MISFIT = 0.02
Modules = Mapping[str, tuple[int, int]]  # (out, in) by role
Shapes = Mapping[str, tuple[int, ...]]  # by role


@dataclass(frozen=True, slots=True)
class Fit:
    """Of an adapter's modules those that the base holds with the same sides, and one that it holds with others."""

    same: int
    other: str | None

    @property
    def fits(self) -> bool:
        """Whether it can have been made for that base."""
        return self.same > 0 and self.other is None


def modules_of(tensors: Iterable[Tensor]) -> dict[str, tuple[int, int]]:
    """The modules that an adapter changes, from the header of its weights."""
    sides: dict[str, dict[str, tuple[int, ...]]] = {}
    for tensor in tensors:
        found = _SIDE.fullmatch(tensor.name)
        if found and len(tensor.shape) == 2:
            sides.setdefault(found[1], {})[found[2]] = tensor.shape
    return {
        role_of(f"{module}.weight"): (pair["B"][0], pair["A"][1])
        for module, pair in sorted(sides.items())
        if len(pair) == 2
    }


def fit(modules: Modules, shapes: Shapes) -> Fit:
    """How an adapter lies on a base."""
    same, other = 0, None
    for role, sides in modules.items():
        held = _held(role, shapes)
        if held == sides:
            same += 1
        elif held is not None and other is None:
            there, here = (" x ".join(map(str, shape)) for shape in (held, sides))
            other = f"{role} is {there} there and {here} here"
    return Fit(same, other)


def _held(role: str, shapes: Shapes) -> tuple[int, ...] | None:
    """The shape of a module; of a fused one that of its parts together."""
    stem, _, last = role.rpartition(".")
    parts = [shapes.get(f"{stem}.{part}") for part in _FUSED.get(last, ())]
    known = [part for part in parts if part is not None and len(part) == 2]
    if known and len(known) == len(parts):
        return sum(part[0] for part in known), known[0][1]
    return shapes.get(role)


class Bases:
    """Models that were read, by the shapes of their tensors, which many have in common."""

    def __init__(self, known: Mapping[str, Iterable[Described]]) -> None:
        self._shapes = {
            name: frozenset((tensor.role, tensor.shape) for tensor in tensors) for name, tensors in known.items()
        }
        self._models = Counter(self._shapes.values())

    def checked(self, claim: ClaimRecord, modules: Modules) -> ClaimRecord:
        """The claim of an adapter, with what the shapes say of it where its base was read."""
        shapes = self._shapes.get(claim.base_model)
        if not modules or shapes is None:
            return claim
        found = fit(modules, dict(shapes))
        if not found.fits:
            why = found.other or "it holds none of its modules"
            return replace(claim, confidence=_MISFIT, detail=f"the adapter does not fit it: {why}")
        others = self._models.total() - 1
        fitting = sum(count for each, count in self._models.items() if fit(modules, dict(each)).fits) - 1
        odds = math.log((others + 2) / (fitting + 1))
        what = f"{found.same} of {len(modules)} modules fit it: log-odds {odds:+.1f} ({fitting} of {others} others fit)"
        return replace(claim, detail=what)
