"""This file knows how a Hub row becomes staged rows: one model, its claims, its trainings, its files. Pure; no network, no disk.

Rows are kept as tuples and turned into Arrow columns a few thousand at a time. Python's work per row decides the speed.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping
from functools import lru_cache
from itertools import accumulate, chain
from typing import Any

import msgspec
import pyarrow as pa

from graph.records import ClaimRecord, Evidence, Relation, State
from ingest import tags
from ingest.card import Card
from ingest.card import read as read_card
from ingest.facts import count, finite, gating, parameters, sha256, word
from ingest.moments import moments, without_floor
from ingest.names import Rejected, judge, own
from ingest.results.declared import Left, eval_results, model_index
from ingest.rows import BaseModelRow, BaseModelsRow, HubRow, SiblingRow, Unreadable, decode, encode, tie
from ingest.staging import STAGED, PartCounts, Speaks

SILENT = Speaks(0)
_UNSET = msgspec.UNSET
_UNKNOWN = Relation.UNKNOWN.value
_HUB, _CARD, _TAG = Evidence.HUB.value, Evidence.CARD.value, Evidence.TAG.value
_SPEAKS_HUB, _SPEAKS_CARD = int(Speaks.HUB), int(Speaks.CARD)
_SPEAKS_TAGS, _SPEAKS_FILES = int(Speaks.TAGS), int(Speaks.FILES)
_SPEAKS_RESULTS, _SPEAKS_INDEX = int(Speaks.RESULTS), int(Speaks.INDEX)
_LISTED, _GATED = State.LISTED.value, State.GATED.value
_HUB_DATASETS = ("https://huggingface.co/datasets/", "http://huggingface.co/datasets/", "huggingface.co/datasets/")
_MARK = frozenset("0123456789abcdef")
_AT_HAND = 2_000  # rows kept as tuples: more of them fall out of the processor's cache
_Rows = list[tuple[Any, ...]]


class PartBuilder:
    """Fills the staged tables of one part."""

    def __init__(self) -> None:
        self._models: _Rows = []
        self._datasets: _Rows = []
        self._claims: _Rows = []
        self._trainings: _Rows = []
        self._files: _Rows = []
        self._declared: _Rows = []
        self._aliases: _Rows = []
        self._seen: _Rows = []
        self._skipped: _Rows = []
        self._done: dict[str, list[pa.Table]] = {}
        self._rows = self._bad = self._first = 0
        self._reasons: Counter[str] = Counter()

    def add(self, kind: str, raw: bytes | dict[str, Any], source: str, row: int, speaks: Speaks = SILENT) -> None:
        """One row, JSON or decoded: a "model" or a "dataset", unless the row itself says what it is.

        ``speaks`` adds what the source is known to have been asked for. Never raises: a bad row is counted with its reason.
        """
        try:
            data = raw if isinstance(raw, bytes) else encode(raw)
            hub, dropped = decode(data)
            id = hub.id or hub.modelId
            if not id:
                raise Unreadable("no-id", data[:200].decode("utf-8", "replace"))
            if not own(id):
                raise Unreadable("bad-id", id)
            kind = hub.repo_type or kind
            if kind not in ("model", "dataset"):
                raise Unreadable("not-a-model", f"{kind} {id}")
        except Unreadable as error:
            self.bad_row(source, row, error.reason, error.detail)
            return
        if self._rows - self._first >= _AT_HAND:
            self._flush()
        number = self._rows
        self._rows += 1
        if dropped:
            self.skip(source, row, "field-dropped", ", ".join(dropped), id)
        if kind == "model":
            self._model(hub, id, number, tie(data), source, row, int(speaks))
        else:
            self._dataset(hub, id, number, tie(data), source, row)

    def add_model(self, raw: bytes | dict[str, Any], source: str, row: int, speaks: Speaks = SILENT) -> None:
        """One model row."""
        self.add("model", raw, source, row, speaks)

    def add_dataset(self, raw: bytes | dict[str, Any], source: str, row: int) -> None:
        """One dataset row."""
        self.add("dataset", raw, source, row)

    def add_claims(
        self, id: str, claims: Iterable[ClaimRecord], source: str, row: int, facts: Mapping[str, Any] | None = None
    ) -> None:
        """What was found out about a model, inferred from configuration or weights, with fields of its row that are known."""
        number = self._rows
        self.add_model({"id": id, **(facts or {})}, source, row)
        for claim in claims:
            self._claims.append(
                (
                    number,
                    claim.base_model,
                    None,
                    claim.relation.value,
                    claim.evidence.value,
                    claim.where,
                    claim.confidence,
                    claim.detail,
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
        """A claim, or another part of a row, that is left out: one line of ``skipped``, and one in the counts."""
        self._reasons[reason] += 1
        cut = detail[:200].encode("utf-8", "replace").decode() if detail is not None else None
        self._skipped.append((source, row, reason, cut, model))

    def tables(self) -> dict[str, pa.Table]:
        """The staged tables filled so far; those without rows are left out."""
        self._flush()
        return {name: pa.concat_tables(pieces).combine_chunks() for name, pieces in self._done.items()}

    def counts(self) -> PartCounts:
        """How many rows were read and what was left out."""
        return PartCounts(self._rows, self._bad, dict(self._reasons))

    def _flush(self) -> None:
        """Turn the rows at hand into columns."""
        filled = {
            "models": self._models,
            "datasets": self._datasets,
            "claims": self._claims,
            "trainings": self._trainings,
            "files": self._files,
            "declared": self._declared,
            "aliases": self._aliases,
            "seen": self._seen,
            "skipped": self._skipped,
        }
        for name, rows in filled.items():
            if rows:
                self._done.setdefault(name, []).append(_table(rows, STAGED[name]))
                rows.clear()
        self._first = self._rows

    def _model(self, hub: HubRow, id: str, number: int, mark: int, source: str, row: int, speaks: int) -> None:
        card = self._card(hub, id, source, row)
        said = None
        if hub.tags is not _UNSET and hub.tags is not None:
            speaks |= _SPEAKS_TAGS
            said = tags.split(hub.tags)
            self._tag_claims(said, number, id, source, row)
        bases = hub.baseModels if hub.baseModels is not _UNSET else hub.base_models
        if bases is not _UNSET:
            speaks |= _SPEAKS_HUB
            if bases is not None:
                self._hub_claims(bases, number, id, source, row)
        if card is not None:
            speaks |= _SPEAKS_CARD
            self._card_claims(card, number, id, source, row)
        if hub.siblings and self._siblings(hub.siblings, number):
            speaks |= _SPEAKS_FILES
        speaks |= self._results(hub, card, number, id, source, row)
        gguf, config = hub.gguf, hub.config
        size, dtype = parameters(hub)
        gated = gating(hub.gated)
        author, slash, _ = id.partition("/")
        self._models.append(
            (
                number,
                id,
                _hub_id(hub.oid),
                author if slash else None,
                _GATED if gated else _LISTED,
                hub.createdAt if hub.createdAt is not None else hub.created_at,
                hub.lastModified if hub.lastModified is not None else hub.last_modified,
                word(hub.pipeline_tag),
                word(hub.library_name),
                (said.licence if said else None) or (card.licence if card else None),
                size,
                word(dtype),
                word(config.architectures[0] if config and config.architectures else None)
                or word(gguf.architecture if gguf else None)
                or word(config.model_type if config else None),
                count(gguf.context_length) or None if gguf else None,
                count(hub.downloads),
                count(hub.downloadsAllTime if hub.downloadsAllTime is not None else hub.downloads_all_time),
                count(hub.likes),
                finite(hub.trendingScore if hub.trendingScore is not None else hub.trending_score),
                word(hub.sha),
                gated,
                said.keep if said else [],
                _languages(card, said),
                _new_version(card, id),
                speaks,
                mark,
            )
        )

    def _dataset(self, hub: HubRow, id: str, number: int, mark: int, source: str, row: int) -> None:
        card = self._card(hub, id, source, row)
        said = tags.split(hub.tags) if hub.tags is not _UNSET and hub.tags is not None else None
        gated = gating(hub.gated)
        self._datasets.append(
            (
                number,
                id,
                _hub_id(hub.oid),
                id.partition("/")[0] if "/" in id else None,
                _GATED if gated else _LISTED,
                hub.createdAt if hub.createdAt is not None else hub.created_at,
                hub.lastModified if hub.lastModified is not None else hub.last_modified,
                count(hub.downloads),
                count(hub.likes),
                (said.licence if said else None) or (card.licence if card else None),
                gated,
                said.keep if said else [],
                _languages(card, said),
                mark,
            )
        )

    def _card(self, hub: HubRow, id: str, source: str, row: int) -> Card | None:
        raw = hub.cardData if hub.cardData is not _UNSET else hub.card_data
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

    def _hub_claims(
        self, bases: BaseModelsRow | list[BaseModelRow | str], number: int, id: str, source: str, row: int
    ) -> None:
        common = bases.relation if isinstance(bases, BaseModelsRow) else None
        for base in bases.models if isinstance(bases, BaseModelsRow) else bases:
            name, mark, relation = (base, None, None) if isinstance(base, str) else (base.id, base.oid, base.relation)
            mark = _hub_id(mark)
            said = name if mark is not None and own(name) else judge(name)  # with its permanent id it does exist
            if isinstance(said, Rejected):
                self.skip(source, row, said.reason, name, id)
            else:
                self._claims.append((number, said, mark, _relation(relation or common), _HUB, "baseModels", None, None))

    def _card_claims(self, card: Card, number: int, id: str, source: str, row: int) -> None:
        relation = _relation(card.relation)
        for base in dict.fromkeys(card.base_models):
            said = judge(base)
            if isinstance(said, Rejected):
                self.skip(source, row, said.reason, base, id)
            else:
                detail = base[:200] if base != said else None
                self._claims.append((number, said, None, relation, _CARD, "cardData.base_model", None, detail))
        if card.datasets:
            self._trained(card.datasets, _CARD, number, id, source, row)

    def _tag_claims(self, said: tags.Tags, number: int, id: str, source: str, row: int) -> None:
        if said.base_models:
            bases, rejected = tags.base_models(said.base_models)
            for base in bases:
                detail = base.tag[:200] if base.tag != base.said else None
                self._claims.append((number, base.said, None, base.relation or _UNKNOWN, _TAG, "tags", None, detail))
            for reason, tag in rejected:
                self.skip(source, row, reason, tag, id)
        if said.datasets:
            self._trained(said.datasets, _TAG, number, id, source, row)

    def _trained(
        self, datasets: list[str] | tuple[str, ...], evidence: str, number: int, id: str, source: str, row: int
    ) -> None:
        for dataset in datasets if len(datasets) == 1 else dict.fromkeys(datasets):
            said = _dataset_name(dataset)
            if isinstance(said, Rejected):
                self.skip(source, row, f"dataset-{said.reason}", dataset, id)
            else:
                self._trainings.append((number, said, evidence))

    def _results(self, hub: HubRow, card: Card | None, number: int, id: str, source: str, row: int) -> int:
        """What it tells of its evaluation; returns of which sources it speaks. Nearly all rows tell nothing."""
        given = hub.evalResults if hub.evalResults is not _UNSET else hub.eval_results
        index = hub.index if hub.index is not _UNSET else hub.model_index
        speaks = 0 if card is None else _SPEAKS_INDEX
        if given is _UNSET and index is _UNSET and (card is None or card.index is None):
            return speaks
        left = Left()
        if isinstance(given, msgspec.Raw) and (data := bytes(given)) != b"null":
            speaks |= _SPEAKS_RESULTS
            self._declared += [(number, *cell) for cell in eval_results(data, left)]
        told: Any = bytes(index) if isinstance(index, msgspec.Raw) else b"null"
        if told != b"null":
            speaks |= _SPEAKS_INDEX
            self._declared += [(number, *cell) for cell in model_index(told, left)]
        elif card is not None and card.index is not None:
            self._declared += [(number, *cell) for cell in model_index(card.index, left, words=card.words)]
        for reason, (many, first) in left.found.items():
            self.skip(source, row, reason, first if many == 1 else f"{first} and {many - 1} more", id)
        return speaks

    def _siblings(self, siblings: list[SiblingRow | str], number: int) -> int:
        """How many files were told with more than a name, which says nothing that could be compared."""
        before = len(self._files)
        for sibling in siblings:
            if isinstance(sibling, SiblingRow) and (sibling.lfs or sibling.blobId or sibling.blob_id):
                lfs = sibling.lfs
                size = lfs.size if lfs and lfs.size is not None else sibling.size
                blob = word(sibling.blobId or sibling.blob_id)
                self._files.append((number, sibling.rfilename, count(size), sha256(lfs.sha256 if lfs else None), blob))
        return len(self._files) - before


def _relation(said: str | None) -> str:
    return said if said in tags.DECLARED_RELATIONS else _UNKNOWN


def _hub_id(text: str | None) -> str | None:
    """The permanent id: 24 hex digits. Anything else would tie strangers together."""
    return text if text is not None and len(text) == 24 and _MARK.issuperset(text) else None


def _languages(card: Card | None, said: tags.Tags | None) -> list[str]:
    if card is not None and card.languages:
        return sorted(set(card.languages))
    return said.languages if said is not None else []


def _new_version(card: Card | None, id: str) -> str | None:
    if card is None or card.new_version is None:
        return None
    named = judge(card.new_version)
    return named if isinstance(named, str) and named != id else None


@lru_cache(maxsize=262_144)
def _dataset_name(said: str) -> str | Rejected:
    """Datasets are often named by bare words; addresses on the Hub carry a `datasets/` that models' do not."""
    if ":" in said or "huggingface.co" in said:
        text = said.strip()
        for prefix in _HUB_DATASETS:
            if text.lower().startswith(prefix):
                return judge("/".join(text[len(prefix) :].split("/")[:2]))
    return judge(said)


def _table(rows: _Rows, schema: pa.Schema) -> pa.Table:
    columns = []
    for field, values in zip(schema, zip(*rows, strict=True), strict=True):
        if field.name in ("created_at", "modified_at"):
            times = moments(values)
            columns.append(without_floor(times) if field.name == "created_at" else times)
        elif pa.types.is_list(field.type):
            ends = pa.array(accumulate(map(len, values), initial=0), pa.int32())
            columns.append(pa.ListArray.from_arrays(ends, pa.array(list(chain.from_iterable(values)), pa.string())))
        else:
            columns.append(pa.array(values, field.type))
    return pa.table(columns, schema=schema)
