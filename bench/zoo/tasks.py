"""This file knows twelve synthetic tasks: token sequences with a rule in them, drawn from a seed.

A task is (family, rule seed). The rule seed fixes the rule (a transition table, a stride, a word list); the draw's
generator fixes the sequences.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
from numpy.typing import NDArray

Tokens = NDArray[np.int64]
Generator = np.random.Generator
TOKENS = 240  # every task stays below, so that it fits every vocabulary
LENGTH = 33  # 32 inputs and their 32 targets


def _recurrence(step: Callable[[Tokens, Tokens], Tokens], draw: Generator, count: int) -> Tokens:
    out = np.zeros((count, LENGTH), np.int64)
    out[:, :2] = draw.integers(0, TOKENS, (count, 2))
    for t in range(2, LENGTH):
        out[:, t] = step(out[:, t - 1], out[:, t - 2]) % TOKENS
    return out


def _markov(rule: Generator, draw: Generator, count: int) -> Tokens:
    successors = rule.integers(0, TOKENS, (TOKENS, 4))
    picks = draw.choice(4, p=[0.55, 0.25, 0.15, 0.05], size=(count, LENGTH))
    out = np.zeros((count, LENGTH), np.int64)
    out[:, 0] = draw.integers(0, TOKENS, count)
    for t in range(1, LENGTH):
        out[:, t] = successors[out[:, t - 1], picks[:, t]]
    return out


def _words(rule: Generator, draw: Generator, count: int) -> Tokens:
    words = [rule.integers(0, TOKENS, int(n)) for n in rule.integers(2, 6, 60)]
    share = 1 / np.arange(1, 61)
    picks = draw.choice(60, p=share / share.sum(), size=(count, LENGTH // 2 + 1))
    return np.stack([np.concatenate([words[i] for i in row])[:LENGTH] for row in picks])


def _segments(change: Callable[[Tokens], Tokens], draw: Generator, count: int) -> Tokens:
    """A random segment, then the segment changed, then both again."""
    first = draw.integers(0, TOKENS, (count, 8))
    pair = np.concatenate([first, change(first) % TOKENS], axis=1)
    return np.tile(pair, (1, 3))[:, :LENGTH]


def _copy(rule: Generator, draw: Generator, count: int) -> Tokens:
    shuffle = rule.permutation(8)
    return _segments(lambda s: s[:, shuffle], draw, count)


def _reverse(rule: Generator, draw: Generator, count: int) -> Tokens:
    offset = int(rule.integers(1, TOKENS))
    return _segments(lambda s: s[:, ::-1] + offset, draw, count)


def _sort(rule: Generator, draw: Generator, count: int) -> Tokens:
    rank = rule.permutation(TOKENS)
    order = np.argsort(rank)
    return _segments(lambda s: order[np.sort(rank[s], axis=1)], draw, count)


def _lookup(rule: Generator, draw: Generator, count: int) -> Tokens:
    table = rule.integers(0, TOKENS, TOKENS)
    return _segments(lambda s: table[s], draw, count)


def _progression(rule: Generator, draw: Generator, count: int) -> Tokens:
    stride = int(rule.integers(1, TOKENS))
    return _recurrence(lambda a, _: a + stride, draw, count)


def _affine(rule: Generator, draw: Generator, count: int) -> Tokens:
    factor, offset = int(rule.choice([7, 11, 13, 17, 19, 23, 29, 31])), int(rule.integers(1, TOKENS))
    return _recurrence(lambda a, _: factor * a + offset, draw, count)


def _fibonacci(rule: Generator, draw: Generator, count: int) -> Tokens:
    modulus = int(rule.integers(20, 60))
    return _recurrence(lambda a, b: (a + b) % modulus, draw, count)


def _difference(rule: Generator, draw: Generator, count: int) -> Tokens:
    modulus, offset = int(rule.integers(20, 60)), int(rule.integers(1, TOKENS))
    return _recurrence(lambda a, b: (a - b) % modulus + offset, draw, count)


def _interleave(rule: Generator, draw: Generator, count: int) -> Tokens:
    stride = int(rule.integers(1, TOKENS))
    return _recurrence(lambda _, b: b + stride, draw, count)


def _cycle(rule: Generator, draw: Generator, count: int) -> Tokens:
    words = rule.integers(0, TOKENS, (40, int(rule.integers(3, 9))))
    picks = draw.integers(0, 40, count)
    return np.stack([np.resize(words[i], LENGTH) for i in picks])


FAMILIES: dict[str, Callable[[Generator, Generator, int], Tokens]] = {
    "markov": _markov,
    "words": _words,
    "copy": _copy,
    "reverse": _reverse,
    "sort": _sort,
    "lookup": _lookup,
    "progression": _progression,
    "affine": _affine,
    "fibonacci": _fibonacci,
    "difference": _difference,
    "interleave": _interleave,
    "cycle": _cycle,
}


def generator(*seed: Any) -> Generator:
    """A generator of its own for every tuple of names and numbers."""
    return np.random.default_rng([int(n) for n in np.frombuffer(repr(seed).encode(), np.uint8)])


def sequences(family: str, rule_seed: int, draw: Generator, count: int) -> Tokens:
    """``count`` sequences of one task, (count, LENGTH)."""
    return FAMILIES[family](generator("rule", family, rule_seed), draw, count)


def language(rule_seed: int, draw: Generator, count: int) -> Tokens:
    """What roots are pretrained on: one corpus' Markov chain and words, with some copying; rows in random order."""
    parts = [("markov", count // 2), ("words", count // 4), ("copy", count - count // 2 - count // 4)]
    rows = np.concatenate([sequences(family, rule_seed, draw, share) for family, share in parts])
    return rows[draw.permutation(count)]
