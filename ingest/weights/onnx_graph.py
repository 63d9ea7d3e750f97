"""This file knows what an ONNX graph says of its weights: what each is called, how it lies, and what gives a quantised one back.

Exporters fold transposes and casts into weights and then call them ``onnx::MatMul_470`` or ``val_49_q``. The graph still tells:
by the operator (MatMul reads (in, out), Gemm with transB (out, in)), by the value's name on the way to it, by the bias added to
its product, and by the node's own path, ``/encoder/layer.0/attention/self/query/MatMul``. Operators: the ONNX specification, and
onnxruntime's contributed ones. Where nothing tells, a weight keeps its own name.
"""

from __future__ import annotations

import re
from collections import Counter, defaultdict
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field

_FURTHEST = 8  # nodes between a weight and the operator that reads it, or that operator and the bias
_UNREAD = ("MatMulNBits", "MatMulBnb4", "GatherBlockQuantized", "QMoE")  # blocks of their own layout


@dataclass(frozen=True, slots=True)
class Node:
    """One operator of a graph, and of its attributes those that matter here."""

    op: str
    name: str
    inputs: tuple[str, ...]
    outputs: tuple[str, ...]
    numbers: Mapping[str, int] = field(default_factory=dict)
    perm: tuple[int, ...] = ()


@dataclass(frozen=True, slots=True)
class Use:
    """How the graph uses one weight. Values are (stored - zero) * scale, along ``axis`` of the stored layout."""

    name: str | None  # what the graph calls it, as a module's parameter; None when nothing tells
    turned: bool  # it lies as (in, out)
    scale: str | None = None
    zero: str | None = None
    axis: int = -1


@dataclass(frozen=True, slots=True)
class _Operator:
    """Which inputs of an operator are its weight, its scale, its zero point and its bias."""

    weight: int
    turned: bool
    scale: int | None = None
    zero: int | None = None
    bias: int | None = None
    scaled_after: bool = False  # the product is integer; a Mul after it holds the scale


_OPERATORS = {
    "Gather": _Operator(0, turned=False),
    "Conv": _Operator(1, turned=False, bias=2),
    "ConvInteger": _Operator(1, turned=False, zero=3, scaled_after=True),
    "MatMul": _Operator(1, turned=True),
    "FusedMatMul": _Operator(1, turned=True),
    "Gemm": _Operator(1, turned=True, bias=2),
    "MatMulInteger": _Operator(1, turned=True, zero=3, scaled_after=True),
    "DynamicQuantizeMatMul": _Operator(1, turned=True, scale=2, zero=3, bias=4),
    "MatMulIntegerToFloat": _Operator(1, turned=True, scale=3, zero=5, bias=6),
    "QLinearMatMul": _Operator(3, turned=True, scale=4, zero=5),
}
_PASSED = ("Cast", "Identity")
_ENDING = re.compile(r"(_quantized|_transposed|_int8|_uint8|_q|_f)$")
_MODULE = re.compile(r"/(.+)/[A-Za-z]+(?:_\d+)?(?:_quant\w*)?(?:_output_\d+\w*)?")


@dataclass(frozen=True, slots=True)
class _Way:
    """The way from an operator's input back to a stored tensor."""

    stored: str
    turned: bool = False
    scale: str | None = None
    zero: str | None = None
    axis: int = -1
    names: tuple[str, ...] = ()  # of the values on it


class Graph:
    """The operators of a model over its stored tensors."""

    def __init__(self, nodes: Sequence[Node], stored: Collection[str]) -> None:
        self._nodes, self._stored = nodes, stored
        self._made_by = {value: node for node in nodes for value in node.outputs}
        self._used_by: defaultdict[str, list[Node]] = defaultdict(list)
        for node in nodes:
            for value in node.inputs:
                self._used_by[value].append(node)

    def uses(self) -> dict[str, Use]:
        """How each weight is used, by its stored name: of several uses the first that names it. No two get one name."""
        found: dict[str, Use] = {}
        for node in self._nodes:
            for stored, use in self._of(node):
                known = found.get(stored)
                if known is None or (known.name is None and use.name is not None):
                    found[stored] = use
        held = Counter(use.name for use in found.values())
        held.update(name for name in self._stored if name not in found)
        return {
            stored: use
            if use.name is None or held[use.name] == 1
            else Use(None, use.turned, use.scale, use.zero, use.axis)
            for stored, use in found.items()
        }

    @property
    def unread(self) -> str | None:
        """An operator whose weights lie in blocks of its own, if there is one."""
        return next((node.op for node in self._nodes if node.op in _UNREAD), None)

    def _of(self, node: Node) -> Iterator[tuple[str, Use]]:
        operator = _OPERATORS.get(node.op)
        if operator is None:
            return
        way, turned = self._way(_at(node.inputs, operator.weight)), operator.turned
        if way is None and node.op == "MatMul":  # the weight may stand on the left
            way, turned = self._way(_at(node.inputs, 0)), False
        if way is None:
            return
        if node.numbers.get("transB"):
            turned = not turned
        scale, zero, axis = way.scale, way.zero, way.axis
        if scale is None:
            scale = self._held(node, operator.scale)
            zero = zero or self._held(node, operator.zero)
        if scale is None and operator.scaled_after:
            scale = self._scale_after(node)
        if scale is None and node.op == "Gather":
            after = next((user for user in self._used_by[_at(node.outputs, 0)] if user.op == "DequantizeLinear"), None)
            if after is not None:
                scale, zero = self._held(after, 1), self._held(after, 2)
        if node.op == "ConvInteger":
            axis = 0
        name = self._name(node, operator, way)
        yield way.stored, Use(name, turned != way.turned, scale, zero, axis)

    def _way(self, value: str) -> _Way | None:
        """Back from a value to the stored tensor that it is made of; None when it is not made of one."""
        turned, axis = False, -1
        scale: str | None = None
        zero: str | None = None
        names: list[str] = []
        for _ in range(_FURTHEST):
            if value in self._stored:
                return _Way(value, turned, scale, zero, axis, tuple(names))
            node = self._made_by.get(value)
            if node is None or not node.inputs:
                return None
            names.append(value)
            ahead = node.inputs[0]
            if node.op == "Transpose":
                if node.perm not in ((), (1, 0)):
                    return None
                turned = not turned
            elif node.op == "DequantizeLinear":
                scale, zero, axis = self._held(node, 1), self._held(node, 2), node.numbers.get("axis", 1)
                if scale is None:
                    return None
            elif node.op in ("Mul", "Sub"):
                held = [at for at, name in enumerate(node.inputs) if name in self._stored]
                if len(node.inputs) != 2 or len(held) != 1 or (node.op == "Sub" and held != [1]):
                    return None
                ahead = node.inputs[1 - held[0]]
                if node.op == "Mul" and scale is None:
                    scale = node.inputs[held[0]]
                elif node.op == "Sub" and zero is None:
                    zero = node.inputs[1]
                else:
                    return None
            elif node.op not in _PASSED:
                return None
            value = ahead
        return None

    def _held(self, node: Node, at: int | None) -> str | None:
        name = "" if at is None else _at(node.inputs, at)
        return name if name in self._stored else None

    def _after(self, node: Node, ops: Collection[str]) -> Iterator[tuple[Node, str]]:
        """(operator, the value that comes into it) along casts and products after a node."""
        values = [_at(node.outputs, 0)]
        for _ in range(_FURTHEST):
            ahead: list[str] = []
            for value in values:
                for user in self._used_by.get(value, ())[:_FURTHEST]:
                    if user.op in ops:
                        yield user, value
                    if user.op in (*_PASSED, "Mul"):
                        ahead += user.outputs[:1]
            values = ahead[:_FURTHEST]

    def _scale_after(self, node: Node) -> str | None:
        """The scale of a weight whose product is integer: a factor of it, or of a factor of it."""
        for product, value in self._after(node, ("Mul",)):
            for factor in product.inputs:
                inner = self._made_by.get(factor)
                if factor in self._stored:
                    return factor
                if factor != value and inner is not None and inner.op == "Mul":
                    held = [name for name in inner.inputs if name in self._stored]
                    if len(held) == 1:
                        return held[0]
        return None

    def _name(self, node: Node, operator: _Operator, way: _Way) -> str | None:
        """What the graph calls a weight, by its own name, a value's on the way, its bias, or its node's path."""
        for name in (way.stored, *way.names):
            said = _telling(name)
            if said is not None:
                return said
        if node.op != "Gather":
            for bias in self._biases(node, operator):
                said = _telling(bias)
                if said is not None and said.endswith(".bias"):
                    return f"{said.removesuffix('.bias')}.weight"
        for path in (node.name, *node.outputs):
            module = _MODULE.fullmatch(path)
            if module:
                return f"{module[1].replace('/', '.')}.weight"
        return None

    def _biases(self, node: Node, operator: _Operator) -> Iterable[str]:
        own = self._held(node, operator.bias)
        if own is not None:
            yield own
        for sum_of, value in self._after(node, ("Add",)):
            yield from (name for name in sum_of.inputs if name != value and name in self._stored)


def _at(values: Sequence[str], place: int) -> str:
    return values[place] if place < len(values) else ""


def _telling(name: str) -> str | None:
    """A stored name without what quantisers and graph builders put into it; None when it is anonymous."""
    said = _ENDING.sub("", name).replace(".MatMul.", ".").replace(".Gemm.", ".")
    return said if "." in said and "/" not in said and "::" not in said else None
