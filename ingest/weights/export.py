"""This file knows copies that lack something: an export leaves out a pooler or a head, and may hold twice what the other ties."""

from __future__ import annotations

from collections import Counter

from ingest.weights.member import Member
from ingest.weights.roles import is_layer

_MOST = 0.5  # of the weights of the other: a copy has them
_FORM = {"BF16": "bf16", "F16": "fp16"}  # of digests, that tells of a cast


def left_out(model: Member, elder: Member) -> list[str] | None:
    """What a model lacks of an elder whose tensors it has otherwise, as exports leave out a pooler; None when they differ, or when
    it lacks a layer, or most of the weights. What an elder ties a model may hold twice, but no layer.
    """
    form = "value" if model.dtype == elder.dtype else _FORM.get(model.dtype, "value")
    ours, theirs = (
        Counter(getattr(digest, form) for digest in one.digests if not digest.trivial) for one in (model, elder)
    )
    twice = ours - theirs
    if not ours or not twice.keys() <= theirs.keys():
        return None
    if any(is_layer(digest.role) for digest in model.digests if getattr(digest, form) in twice):
        return None  # a layer that is there twice is no copy
    whole = sum(digest.count for digest in elder.digests if not digest.trivial)
    lacking = [digest for digest in elder.digests if not digest.trivial and getattr(digest, form) not in ours]
    if sum(digest.count for digest in lacking) >= (1 - _MOST) * whole or len(model.stack["value"]) != len(
        elder.stack["value"]
    ):
        return None
    missing = sorted(digest.role for digest in lacking)
    return None if any(map(is_layer, missing)) else missing
