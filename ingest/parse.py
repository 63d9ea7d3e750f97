"""This file knows how a Hub row becomes staged rows: one model, its claims, its trainings, its files. Pure; no network, no disk.

Columns are filled row by row and turned into Arrow tables once a part, which is half of the time of reading a dump.
"""

from __future__ import annotations

from collections import Counter
from datetime import UTC, datetime
from functools import lru_cache
from typing import Any

import msgspec
import pyarrow as pa

from graph.records import Evidence, Relation, State
from ingest.card import Card
from ingest.card import read as read_card
from ingest.names import Rejected, judge
from ingest.rows import BaseModelsRow, HubRow, SiblingRow, Unreadable, convert, decode, encode, tie
from ingest.staging import STAGED, PartCounts, Speaks

FLOOR = datetime(2022, 3, 2, 23, 29, 4, tzinfo=UTC)  # the Hub's date for everything older: unknown, not a date
RELATIONS = {relation.value: relation.value for relation in Relation}
LARGEST = 10**15  # parameters; more is nonsense
SILENT = Speaks(0)
_KEEP_NOT = frozenset({"license", "dataset", "base_model", "region", "arxiv", "deploy"})
_LANGUAGES = frozenset(
    "aa ab af ak am an ar as av ay az ba be bg bh bi bm bn bo br bs ca ce ch co cr cs cu cv cy da de dv dz ee el en eo es et eu "  # noqa: SIM905
    "fa ff fi fj fo fr fy ga gd gl gn gu gv ha he hi ho hr ht hu hy hz ia id ie ig ii ik io is it iu ja jv ka kg ki kj kk kl km "
    "kn ko kr ks ku kv kw ky la lb lg li ln lo lt lu lv mg mh mi mk ml mn mr ms mt my na nb nd ne ng nl nn no nr nv ny oc oj om "
    "or os pa pi pl ps pt qu rm rn ro ru rw sa sc sd se sg si sk sl sm sn so sq sr ss st su sv sw ta te tg th ti tk tl tn to tr "
    "ts tt tw ty ug uk ur uz ve vi vo wa wo xh yi yo za zh zu multilingual".split()
)
_UNKNOWN = Relation.UNKNOWN.value
_HUB, _CARD, _TAG = Evidence.HUB.value, Evidence.CARD.value, Evidence.TAG.value


class PartBuilder:
    """Fills the staged tables of one part."""

    def __init__(self) -> None:
        self._models: list[tuple[Any, ...]] = []
        self._datasets: list[tuple[Any, ...]] = []
        self._claims: list[tuple[Any, ...]] = []
        self._trainings: list[tuple[Any, ...]] = []
        self._files: list[tuple[Any, ...]] = []
        self._aliases: list[tuple[str, str, str]] = []
        self._seen: list[tuple[str, str, str | None]] = []
        self._skipped: list[tuple[Any, ...]] = []
        self._rows = self._bad = 0
        self._reasons: Counter[str] = Counter()

    def add_model(self, raw: bytes | dict[str, Any], source: str, row: int, speaks: Speaks = SILENT) -> None:
        """One model row, JSON or decoded. ``speaks`` adds what the source is known to have been asked for."""
        read = self._read(raw, source, row)
        if read is None:
            return
        hub, id, mark = read
        number = len(self._models)
        card = self._card(hub, id, source, row)
        licence, languages, tags = self._tags(hub, number, id, source, row)
        if hub.tags is not msgspec.UNSET and hub.tags is not None:
            speaks |= Speaks.TAGS
        bases = hub.baseModels if hub.baseModels is not msgspec.UNSET else hub.base_models
        if bases is not msgspec.UNSET:
            speaks |= Speaks.HUB
            if isinstance(bases, BaseModelsRow):
                self._hub_claims(bases, number, id, source, row)
        if card is not None:
            speaks |= Speaks.CARD
            self._card_claims(card, number, id, source, row)
        if hub.siblings is not None:
            speaks |= Speaks.FILES
            self._siblings(hub.siblings, number)
        gguf, config = hub.gguf, hub.config
        parameters, dtype = _parameters(hub)
        created = _time(hub.createdAt or hub.created_at)
        self._models.append(
            (
                number,
                id,
                hub.oid,
                id.partition("/")[0] if "/" in id else None,
                State.GATED.value if hub.gated else State.LISTED.value,
                None if created is None or created <= FLOOR else created,
                _time(hub.lastModified or hub.last_modified),
                hub.pipeline_tag or None,
                hub.library_name or None,
                licence or (card.licence if card else None),
                parameters,
                dtype,
                (config.architectures[0] if config and config.architectures else None)
                or (gguf.architecture if gguf else None)
                or (config.model_type if config else None)
                or None,
                gguf.context_length if gguf and gguf.context_length and 0 < gguf.context_length < 2**40 else None,
                _count(hub.downloads),
                _count(hub.downloadsAllTime if hub.downloadsAllTime is not None else hub.downloads_all_time),
                _count(hub.likes),
                _finite(hub.trendingScore if hub.trendingScore is not None else hub.trending_score),
                hub.sha or None,
                ("auto" if hub.gated is True else hub.gated[:20].lower()) if hub.gated else None,
                tags,
                sorted(set(card.languages)) if card and card.languages else languages,
                self._new_version(card, id),
                int(speaks),
                mark,
            )
        )

    def add_dataset(self, raw: bytes | dict[str, Any], source: str, row: int) -> None:
        """One dataset row, JSON or decoded."""
        read = self._read(raw, source, row)
        if read is None:
            return
        hub, id, mark = read
        card = self._card(hub, id, source, row)
        licence, languages, tags = _split_tags(hub.tags or [])[:3] if hub.tags is not msgspec.UNSET else (None, [], [])
        created = _time(hub.createdAt or hub.created_at)
        self._datasets.append(
            (
                len(self._datasets),
                id,
                hub.oid,
                id.partition("/")[0] if "/" in id else None,
                State.GATED.value if hub.gated else State.LISTED.value,
                None if created is None or created <= FLOOR else created,
                _time(hub.lastModified or hub.last_modified),
                _count(hub.downloads),
                _count(hub.likes),
                licence or (card.licence if card else None),
                ("auto" if hub.gated is True else hub.gated[:20].lower()) if hub.gated else None,
                tags,
                sorted(set(card.languages)) if card and card.languages else languages,
                mark,
            )
        )

    def add_alias(self, alias: str, id: str, source: str) -> None:
        """Another name of a model: ``source`` is "redirect", "rename" or "legacy"."""
        self._aliases.append((alias, id, source))

    def add_seen(self, kind: str, id: str, hub_id: str | None) -> None:
        """A sweep met this "model" or "dataset"."""
        self._seen.append((kind, id, hub_id))

    def bad_row(self, source: str, row: int | None, reason: str, detail: str | None = None) -> None:
        """A row that could not be read at all."""
        self._rows += 1
        self._bad += 1
        self.skip(source, row, reason, detail)

    def skip(self, source: str, row: int | None, reason: str, detail: str | None, model: str | None = None) -> None:
        """A claim, or another part of a row, that is left out."""
        self._reasons[reason] += 1
        self._skipped.append((source, row, reason, _clean(detail), model))

    def tables(self) -> dict[str, pa.Table]:
        """The staged tables filled so far."""
        filled: dict[str, list[tuple[Any, ...]]] = {
            "models": self._models,
            "datasets": self._datasets,
            "claims": self._claims,
            "trainings": self._trainings,
            "files": self._files,
            "aliases": list(self._aliases),
            "seen": list(self._seen),
            "skipped": self._skipped,
        }
        return {name: _table(rows, STAGED[name]) for name, rows in filled.items() if rows}

    def counts(self) -> PartCounts:
        """How many rows were read and what was left out."""
        return PartCounts(self._rows, self._bad, self._reasons)

    def _read(self, raw: bytes | dict[str, Any], source: str, row: int) -> tuple[HubRow, str, int] | None:
        """The decoded row, its name, and its tie mark; None when it was skipped."""
        try:
            if isinstance(raw, bytes):
                hub, mark = decode(raw), tie(raw)
            else:
                hub, mark = convert(raw), tie(encode(raw))
            name = hub.id or hub.modelId
            if not name:
                raise Unreadable(
                    "no-id", raw[:200].decode("utf-8", "replace") if isinstance(raw, bytes) else repr(raw)[:200]
                )
            id = _own_name(name)
            if isinstance(id, Rejected):
                raise Unreadable("bad-id", name)
        except Unreadable as error:
            self.bad_row(source, row, error.reason, error.detail)
            return None
        self._rows += 1
        return hub, id, mark

    def _card(self, hub: HubRow, id: str, source: str, row: int) -> Card | None:
        raw = hub.cardData if isinstance(hub.cardData, msgspec.Raw) else hub.card_data
        if not isinstance(raw, msgspec.Raw):
            return None
        data = bytes(raw)
        if data == b"null":
            return None
        card = read_card(data)
        if card.problem:
            self.skip(source, row, card.problem, data[:200].decode("utf-8", "replace"), id)
            return None
        return card

    def _new_version(self, card: Card | None, id: str) -> str | None:
        if card is None or card.new_version is None:
            return None
        named = judge(card.new_version)
        return named if isinstance(named, str) and named != id else None

    def _hub_claims(self, bases: BaseModelsRow, number: int, id: str, source: str, row: int) -> None:
        relation = RELATIONS.get(bases.relation or "", _UNKNOWN)
        for base in bases.models:
            said = judge(base.id)
            if isinstance(said, Rejected):
                self.skip(source, row, said.reason, base.id, id)
            else:
                self._claims.append((number, said, base.oid, relation, _HUB, "baseModels", None))

    def _card_claims(self, card: Card, number: int, id: str, source: str, row: int) -> None:
        relation = RELATIONS.get(card.relation or "", _UNKNOWN)
        for base in dict.fromkeys(card.base_models):
            said = judge(base)
            if isinstance(said, Rejected):
                self.skip(source, row, said.reason, base, id)
            else:
                detail = base if base != said else None
                self._claims.append((number, said, None, relation, _CARD, "cardData.base_model", detail))
        for dataset in dict.fromkeys(card.datasets):
            self._training(number, dataset, _CARD, id, source, row)

    def _tags(
        self, hub: HubRow, number: int, id: str, source: str, row: int
    ) -> tuple[str | None, list[str], list[str]]:
        if not isinstance(hub.tags, list):
            return None, [], []
        licence, languages, tags, bases, datasets = _split_tags(hub.tags)
        typed: dict[str, set[str]] = {}
        for tag in bases:
            word, colon, rest = tag.partition(":")
            relation = RELATIONS.get(word) if colon and rest[:2] != "//" else None
            base = rest if relation else tag
            typed.setdefault(base, set()).add(relation or _UNKNOWN)
        for base, relations in typed.items():
            said = judge(base)
            if isinstance(said, Rejected):
                self.skip(source, row, said.reason, base, id)
                continue
            detail = base if base != said else None
            for relation in sorted(relations - {_UNKNOWN}) or [_UNKNOWN]:  # the bare tag repeats the typed one
                self._claims.append((number, said, None, relation, _TAG, "tags", detail))
        for dataset in datasets:
            self._training(number, dataset, _TAG, id, source, row)
        return licence, languages, tags

    def _training(self, number: int, dataset: str, evidence: str, id: str, source: str, row: int) -> None:
        said = _dataset_name(dataset)
        if isinstance(said, Rejected):
            self.skip(source, row, f"dataset-{said.reason}", dataset, id)
        else:
            self._trainings.append((number, said, evidence))

    def _siblings(self, siblings: list[SiblingRow | str], number: int) -> None:
        for sibling in siblings:
            if isinstance(sibling, SiblingRow) and (
                sibling.lfs or sibling.blobId or sibling.blob_id
            ):  # a name says nothing
                lfs = sibling.lfs
                size = lfs.size if lfs and lfs.size is not None else sibling.size
                blob = sibling.blobId or sibling.blob_id
                self._files.append(
                    (number, sibling.rfilename, _count(size), _sha256(lfs.sha256 if lfs else None), blob)
                )


def _split_tags(tags: list[str]) -> tuple[str | None, list[str], list[str], list[str], list[str]]:
    """Licence, languages, the tags to keep, base models as tagged, datasets as tagged."""
    licence = None
    languages, keep, bases, datasets = [], [], [], []
    for tag in tags:
        prefix, colon, rest = tag.partition(":")
        if not colon:
            if tag in _LANGUAGES:
                languages.append(tag)
            else:
                keep.append(tag)
        elif prefix == "base_model":
            bases.append(rest)
        elif prefix == "dataset":
            datasets.append(rest)
        elif prefix == "license":
            licence = licence or rest.lower() or None
        elif prefix == "language":
            languages.append(rest)
        elif prefix not in _KEEP_NOT:
            keep.append(tag)
    return licence, sorted(set(languages)), keep, bases, datasets


@lru_cache(maxsize=262_144)
def _dataset_name(said: str) -> str | Rejected:
    """Datasets are often named by bare words; addresses on the Hub carry a `datasets/` that models' do not."""
    text = said.strip()
    for prefix in ("https://huggingface.co/datasets/", "http://huggingface.co/datasets/", "huggingface.co/datasets/"):
        if text.lower().startswith(prefix):
            text = "/".join(text[len(prefix) :].split("/")[:2])
    return judge(text)


@lru_cache(maxsize=1024)
def _own_name(name: str) -> str | Rejected:
    """A repository's own id: the Hub gave it, so only its form is checked."""
    judged = judge(name)
    if isinstance(judged, Rejected) and judged.reason in ("template-text", "nothing-named", "a-number", "local-path"):
        return (
            name
            if name.count("/") <= 1 and all(c.isalnum() or c in "-_./" for c in name) and name[0] not in "./"
            else judged
        )
    return judged


def _time(text: str | None) -> datetime | None:
    """A time of the Hub; None when it is not one. Without an offset it is UTC."""
    if not text:
        return None
    try:
        time = datetime.fromisoformat(text)
    except ValueError:
        return None
    try:
        time = time.replace(tzinfo=UTC) if time.tzinfo is None else time.astimezone(UTC)
    except OverflowError:
        return None
    return time.replace(microsecond=time.microsecond // 1000 * 1000) if 1990 < time.year < 2200 else None


def _parameters(hub: HubRow) -> tuple[int | None, str | None]:
    """Parameters and the dtype of most of them. The Hub's total can be short of its own parts: the larger counts."""
    facts = hub.safetensors
    if facts is not None:
        parts = {dtype: count for dtype, count in (facts.parameters or {}).items() if 0 < count < LARGEST}
        total = max(facts.total or 0, sum(parts.values()))
        dtype = min(parts, key=lambda name: (-parts[name], name)) if parts else None
        if 0 < total < LARGEST:
            return total, dtype
    if hub.gguf is not None and hub.gguf.total and 0 < hub.gguf.total < LARGEST:
        return hub.gguf.total, None
    return None, None


def _count(value: int | None) -> int | None:
    return value if value is not None and 0 <= value < 2**62 else None


def _finite(value: float | None) -> float | None:
    return value if value is not None and abs(value) < 1e300 else None


def _sha256(text: str | None) -> str | None:
    if text is None:
        return None
    text = text.lower().removeprefix("sha256:")
    return text if len(text) == 64 and all(c in "0123456789abcdef" for c in text) else None


def _clean(text: str | None) -> str | None:
    return text[:200].encode("utf-8", "replace").decode() if text is not None else None


def _table(rows: list[tuple[Any, ...]], schema: pa.Schema) -> pa.Table:
    columns = list(zip(*rows, strict=True))
    return pa.table(
        [pa.array(column, field.type) for column, field in zip(columns, schema, strict=True)], schema=schema
    )
