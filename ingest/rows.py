"""This file knows the shapes in which a Hub row comes: the API's camelCase and the client's snake_case, in one structure.

Fields that Stemma does not use are skipped while decoding. A field of a wrong type is dropped, and named in what ``decode`` gives
back; the row is kept, as long as it has a name.
"""

from __future__ import annotations

import hashlib
import json
from types import UnionType
from typing import Any, Union, get_args, get_origin

import msgspec
from msgspec import UNSET, Raw, Struct, UnsetType


class BaseModelRow(Struct, gc=False):
    """One base model as the Hub gives it."""

    id: str
    oid: str | None = msgspec.field(default=None, name="_id")
    relation: str | None = None


class BaseModelsRow(Struct, gc=False):
    """The Hub's baseModels: one relation for all; the client's own type is a bare list."""

    relation: str | None = None
    models: list[BaseModelRow | str] = []


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
    repo_type: str | None = None
    createdAt: str | int | None = None  # a number counts milliseconds, or seconds
    created_at: str | int | None = None
    lastModified: str | int | None = None
    last_modified: str | int | None = None
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
    baseModels: BaseModelsRow | list[BaseModelRow | str] | UnsetType | None = UNSET
    base_models: BaseModelsRow | list[BaseModelRow | str] | UnsetType | None = UNSET
    safetensors: SafetensorsRow | None = None
    gguf: GgufRow | None = None
    config: ConfigRow | None = None
    cardData: Raw | UnsetType = UNSET
    card_data: Raw | UnsetType = UNSET
    evalResults: Raw | UnsetType = UNSET
    eval_results: Raw | UnsetType = UNSET
    index: Raw | UnsetType = msgspec.field(default=UNSET, name="model-index")
    model_index: Raw | UnsetType = UNSET
    siblings: list[SiblingRow | str] | None = None


_TYPED = msgspec.json.Decoder(HubRow, strict=False)
_UNTYPED = msgspec.json.Decoder()


class Unreadable(ValueError):
    """A row that cannot be used; ``reason`` is a short stable code."""

    def __init__(self, reason: str, detail: str) -> None:
        self.reason = reason
        self.detail = detail[:200]
        super().__init__(f"{reason}: {self.detail}")


def decode(raw: bytes) -> tuple[HubRow, tuple[str, ...]]:
    """A row from JSON, and the fields of it that were dropped. Raises Unreadable when it is not JSON, or not an object."""
    try:
        return _TYPED.decode(raw), ()
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        pass  # ValidationError is a DecodeError: look again, field by field
    try:
        value = _UNTYPED.decode(raw)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        value = _decode_loosely(raw)
    if not isinstance(value, dict):
        raise Unreadable("not-an-object", type(value).__name__)
    dropped: list[str] = []
    return _lenient(value, HubRow, "", dropped), tuple(dropped)


def encode(value: Any) -> bytes:
    """JSON of decoded values; what JSON has no form for becomes text, half characters become question marks."""
    try:
        return msgspec.json.encode(value, enc_hook=str, order="deterministic")
    except (UnicodeEncodeError, ValueError, TypeError, OverflowError, RecursionError):
        pass
    try:
        return json.dumps(value, default=str, sort_keys=True, ensure_ascii=False).encode("utf-8", "replace")
    except (ValueError, TypeError, RecursionError) as error:
        raise Unreadable("not-json", str(error)) from error


def tie(raw: bytes) -> int:
    """A number that stands for a row's content: decides between rows that are equal in every other respect."""
    return int.from_bytes(hashlib.sha256(raw).digest()[:8], "little")


def _decode_loosely(raw: bytes) -> Any:  # a JSON value
    """JSON as Python and pandas write it: NaN, half characters."""
    try:
        return _UNTYPED.decode(encode(json.loads(raw)))
    except (ValueError, RecursionError) as error:  # DecodeError and Unreadable are ValueErrors
        raise Unreadable("not-json", str(error)) from error


def _lenient(value: Any, kind: Any, path: str, dropped: list[str]) -> Any:  # JSON in, whatever ``kind`` says out
    """``value`` as ``kind``, without the members and items of it that do not fit; ``dropped`` gets their paths."""
    if isinstance(value, dict):
        for struct in _members(kind):
            if isinstance(struct, type) and issubclass(struct, Struct):
                kept: dict[str, Any] = {}
                for field in msgspec.structs.fields(struct):
                    if field.encode_name in value:
                        name = f"{path}.{field.encode_name}" if path else field.encode_name
                        item = value[field.encode_name]
                        try:
                            if Raw in _members(field.type):
                                kept[field.name] = Raw(encode(item))
                            else:
                                kept[field.name] = _lenient(item, field.type, name, dropped)
                        except (ValueError, TypeError, RecursionError, OverflowError):
                            dropped.append(name)
                return struct(**kept)  # TypeError when what it cannot be without is missing
            if get_origin(struct) is dict:
                parts = {}
                for name, item in value.items():
                    try:
                        parts[name] = msgspec.convert(item, get_args(struct)[1], strict=False)
                    except msgspec.ValidationError:
                        dropped.append(f"{path}.{name}"[:100])
                return parts
    if isinstance(value, list):
        for sequence in _members(kind):
            if get_origin(sequence) is list:
                items = []
                for item in value:
                    try:
                        items.append(_lenient(item, get_args(sequence)[0], path, dropped))
                    except (ValueError, TypeError, RecursionError, OverflowError):
                        dropped.append(f"{path}[]")
                return items
    return msgspec.convert(value, kind, strict=False)


def _members(kind: Any) -> tuple[Any, ...]:  # a type expression
    return get_args(kind) if get_origin(kind) in (Union, UnionType) else (kind,)
