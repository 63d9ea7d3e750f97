"""This file knows trunks: the layers, and whatever else has one shape, of models that have other heads, words or positions.

A classifier made from a language model lacks its head and has another; what it was made from is told by what both have.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace

from ingest.weights.member import Member

_MOST = 0.5  # of all weights of the larger model: what a trunk holds at least


def trunk(one: Member, other: Member) -> frozenset[str]:
    """The roles that two models of other shapes share; none when their layers differ in shape, or they share too little."""
    if one.shapes == other.shapes or not one.layers or one.layers != other.layers:
        return frozenset()
    theirs = dict(other.shapes)
    shared = frozenset(role for role, shape in one.shapes if theirs.get(role) == shape)
    held = sum(one.matrices[role].size for role in shared)
    return shared if held > _MOST * max(one.flat.size, other.flat.size) else frozenset()


def cut(member: Member, roles: Iterable[str]) -> Member:
    """A model with these of its matrices alone."""
    return replace(member, matrices={role: member.matrices[role] for role in roles})
