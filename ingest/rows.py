"""This file knows the shapes in which a Hub row comes: the API's camelCase and the client's snake_case, in one structure.

Fields that Stemma does not use are skipped while decoding. A field of a wrong type is dropped and the row kept, as long as it
has a name.
"""

from __future__ import annotations

import hashlib
from typing import Any

import msgspec
from msgspec import UNSET, Raw, Struct, UnsetType


class BaseModelRow(Struct, gc=False):
    """One base model as the Hub gives it."""

    id: str
    oid: str | None = msgspec.field(default=None, name="_id")


class BaseModelsRow(Struct, gc=False):
    """The Hub's baseModels: one relation for all."""

    relation: str | None = None
    models: list[BaseModelRow] = []


class SafetensorsRow(Struct, gc=False):
    """What the Hub read from safetensors headers."""

    total: int | None = None
    parameters: dict[str, int] | None = None


class GgufRow(Struct, gc=False):
    """What the Hub read from a GGUF header."""

    total: int | None = None
    architecture: str | None = None
    context_length: int | None = None


class ConfigRow(Struct, gc=False):
    """The parts of config.json that name the architecture."""

    architectures: list[str] | None = None
    model_type: str | None = None


class LfsRow(Struct, gc=False):
    """An LFS pointer."""

    sha256: str | None = None
    size: int | None = None


class SiblingRow(Struct, gc=False):
    """One file, from a listing with or without blobs."""

    rfilename: str
    size: int | None = None
    blobId: str | None = None
    blob_id: str | None = None
    lfs: LfsRow | None = None


class HubRow(Struct, gc=False):
    """One model or dataset. Where both spellings exist the camelCase one is the API's, the other the client's."""

    id: str | None = None
    modelId: str | None = None
    oid: str | None = msgspec.field(default=None, name="_id")
    author: str | None = None
    sha: str | None = None
    createdAt: str | None = None
    created_at: str | None = None
    lastModified: str | None = None
    last_modified: str | None = None
    gated: bool | str | None = None
    downloads: int | None = None
    downloadsAllTime: int | None = None
    downloads_all_time: int | None = None
    likes: int | None = None
    trendingScore: float | None = None
    trending_score: float | None = None
    pipeline_tag: str | None = None
    library_name: str | None = None
    tags: list[str] | UnsetType | None = UNSET
    baseModels: BaseModelsRow | UnsetType | None = UNSET
    base_models: BaseModelsRow | UnsetType | None = UNSET
    safetensors: SafetensorsRow | None = None
    gguf: GgufRow | None = None
    config: ConfigRow | None = None
    cardData: Raw | UnsetType = UNSET
    card_data: Raw | UnsetType = UNSET
    siblings: list[SiblingRow | str] | None = None


_FIELDS = {field.encode_name: field for field in msgspec.structs.fields(HubRow)}
_TYPED = msgspec.json.Decoder(HubRow, strict=False)
_UNTYPED = msgspec.json.Decoder()


class Unreadable(ValueError):
    """A row that cannot be used; ``reason`` is a short stable code."""

    def __init__(self, reason: str, detail: str) -> None:
        self.reason = reason
        self.detail = detail[:200]
        super().__init__(f"{reason}: {self.detail}")


def decode(raw: bytes) -> HubRow:
    """A row from JSON. Raises Unreadable when it is not JSON, not an object, or has no name."""
    try:
        return _TYPED.decode(raw)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        pass  # ValidationError is a DecodeError: look again, field by field
    try:
        value = _UNTYPED.decode(raw)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        raise Unreadable("not-json", str(error)) from error
    return convert(value)


def convert(value: Any) -> HubRow:
    """A row from decoded values, a field at a time; fields of a wrong type are dropped."""
    if not isinstance(value, dict):
        raise Unreadable("not-an-object", type(value).__name__)
    kept: dict[str, Any] = {}
    for name, item in value.items():
        field = _FIELDS.get(name)
        if field is None:
            continue
        if name in ("cardData", "card_data"):
            kept[field.name] = Raw(encode(item))
            continue
        if name == "tags" and isinstance(item, list):
            item = [tag for tag in item if isinstance(tag, str)]
        try:
            kept[field.name] = msgspec.convert(item, field.type, strict=False)
        except (msgspec.ValidationError, RecursionError, OverflowError):
            continue
    return HubRow(**kept)


def encode(value: Any) -> bytes:
    """JSON of decoded values; what JSON has no form for becomes text."""
    return msgspec.json.encode(value, enc_hook=str, order="deterministic")


def tie(raw: bytes) -> int:
    """A number that stands for a row's content: decides between rows that are equal in every other respect."""
    return int.from_bytes(hashlib.blake2b(raw, digest_size=8).digest(), "little")
