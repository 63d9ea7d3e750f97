"""This file knows how staged rows and the snapshot before become the tables of the next one. Whole columns, never row by row."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass

import polars as pl
import pyarrow as pa

from graph.records import State
from graph.snapshot import Snapshot
from graph.tables import ALIASES, BY_NAME, DATASETS, MODELS
from ingest.derive import derivations
from ingest.enrich.kinship import kinship
from ingest.ranking import identities, merged, speakers
from ingest.resolve import resolved, settled_aliases, with_missing
from ingest.staging import COMPUTED, STAGED, Speaks, Staging

_WEIGHT_FILES = r"(?i)\.(safetensors|gguf|bin|pt|pth|ckpt|onnx|h5|msgpack)$"
_SPOKEN = {"hub": Speaks.HUB, "card": Speaks.CARD, "tag": Speaks.TAGS}
_EVIDENCE_ORDER = {"hub": 0, "card": 1, "tag": 2, "config": 3, "weights": 4}
Tables = dict[str, pl.DataFrame]


@dataclass(frozen=True, slots=True)
class _Inputs:
    """Staged rows and the rows of the snapshot before, in one form; rows of the snapshot have negative numbers."""

    models: pl.DataFrame
    datasets: pl.DataFrame
    claims: pl.DataFrame
    trainings: pl.DataFrame
    files: pl.DataFrame
    aliases: pl.DataFrame


def assemble(staging: Staging, previous: Snapshot | None) -> dict[str, pa.Table]:
    """The content tables of the next snapshot and its ``skipped``, each in key order."""
    inputs = _inputs(staging, previous)
    ranked = identities(inputs.models)
    columns = [field.name for field in MODELS.schema if field.name not in COMPUTED]
    models = merged(ranked, columns)
    datasets = merged(identities(inputs.datasets), [f.name for f in DATASETS.schema if f.name not in COMPUTED])
    models, datasets = (
        _gone(models, "model", staging, inputs.models),
        _gone(datasets, "dataset", staging, inputs.datasets),
    )
    owner = models.select("key", model="id")
    out: Tables = {}
    out["aliases"] = _aliases(ranked, models, inputs.aliases)
    claims, missing, loops = _claims(ranked, owner, models, out["aliases"], inputs.claims)
    out["claims"] = claims
    edges = derivations(claims)
    out["trainings"], missing_datasets = _trainings(ranked, owner, datasets, inputs.trainings)
    out["files"] = _owned(ranked, owner, inputs.files, Speaks.FILES).select(BY_NAME["files"].schema.names)
    out["files"] = out["files"].unique(["model", "path"], keep="any").sort("model", "path")
    out["weights"], out["holdings"] = _weights(out["files"])
    nodes = pl.concat([models.drop("key"), _nodes(missing)], how="diagonal").sort("id")
    out["models"], out["derivations"] = _with_kinship(nodes, edges)
    out["datasets"] = _with_uses(
        pl.concat([datasets.drop("key"), _nodes(missing_datasets)], how="diagonal"), out["trainings"]
    )
    out["skipped"] = pl.concat([_frame(staging.table("skipped")), loops], how="diagonal").sort(BY_NAME["skipped"].key)
    return {name: _arrow(name, frame) for name, frame in out.items()}


def _frame(table: pa.Table) -> pl.DataFrame:
    frame = pl.from_arrow(table)
    if not isinstance(frame, pl.DataFrame):
        raise TypeError(type(frame))
    return frame


def _arrow(name: str, frame: pl.DataFrame) -> pa.Table:
    schema = BY_NAME[name].schema
    return frame.select(schema.names).to_arrow(compat_level=pl.CompatLevel.oldest()).cast(schema)


def _inputs(staging: Staging, previous: Snapshot | None) -> _Inputs:
    staged = {
        name: _frame(staging.table(name)) for name in ("models", "datasets", "claims", "trainings", "files", "aliases")
    }
    if previous is None:
        return _Inputs(**staged)
    claims = _frame(previous.table("claims")).rename({"base_model": "said"})
    bits = claims.group_by("model").agg(
        *[(pl.col("evidence") == word).any().cast(pl.UInt8).alias(word) * int(bit) for word, bit in _SPOKEN.items()]
    )
    holders = (
        _frame(previous.table("files", ["model"])).unique().with_columns(files=pl.lit(int(Speaks.FILES), pl.UInt8))
    )
    models = (
        _known(previous, "models")
        .join(bits, left_on="id", right_on="model", how="left", maintain_order="left")
        .join(holders, left_on="id", right_on="model", how="left", maintain_order="left")
        .with_columns(
            speaks=pl.sum_horizontal(pl.col(name).fill_null(0) for name in (*_SPOKEN, "files")).cast(pl.UInt8),
        )
        .select(STAGED["models"].names)
    )
    rows = models.select("row", model="id")
    earlier = {
        "models": models,
        "datasets": _known(previous, "datasets").select(STAGED["datasets"].names),
        "claims": claims.join(rows, on="model").with_columns(base_hub_id=pl.lit(None, pl.String)),
        "trainings": _frame(previous.table("trainings")).explode("evidence").join(rows, on="model"),
        "files": _frame(previous.table("files")).join(rows, on="model"),
        "aliases": _frame(previous.table("aliases")),
    }
    return _Inputs(**{name: pl.concat([staged[name], earlier[name].select(staged[name].columns)]) for name in staged})


def _known(previous: Snapshot, table: str) -> pl.DataFrame:
    """The repositories of a snapshot that were seen themselves, as staged rows numbered -1, -2, ..."""
    frame = _frame(previous.table(table)).filter(pl.col("state") != State.MISSING.value)
    return frame.with_columns(row=-1 - pl.int_range(frame.height, dtype=pl.Int64), tie=pl.lit(0, pl.UInt64))


def _gone(merged_rows: pl.DataFrame, kind: str, staging: Staging, rows: pl.DataFrame) -> pl.DataFrame:
    """Mark what a complete sweep did not see; what any staged row tells of is there again."""
    fresh = rows.filter(pl.col("row") >= 0).select("id", fresh="state").unique("id", keep="any")
    known = merged_rows.join(fresh, on="id", how="left").with_columns(state=pl.coalesce("fresh", "state"))
    if staging.note(f"sweep-{kind}") == "complete":
        seen = _frame(staging.table("seen")).filter(pl.col("kind") == kind)
        names, marks = seen["id"].drop_nulls(), seen["hub_id"].drop_nulls()
        there = (
            pl.col("fresh").is_not_null()
            | pl.col("id").is_in(names.implode())
            | pl.col("hub_id").is_in(marks.implode())
        )
        back = pl.when(pl.col("gated").is_null()).then(pl.lit(State.LISTED.value)).otherwise(pl.lit(State.GATED.value))
        known = known.with_columns(
            state=pl.when(~there.fill_null(value=False))
            .then(pl.lit(State.GONE.value))
            .when(pl.col("state") == State.GONE.value)
            .then(back)
            .otherwise("state")
        )
    return known.drop("fresh")


def _aliases(ranked: pl.DataFrame, models: pl.DataFrame, said: pl.DataFrame) -> pl.DataFrame:
    """Names that the sources gave, and names that a repository bore in an older row."""
    borne = (
        ranked.select("key", alias="id")
        .unique()
        .join(models.select("key", "id"), on="key")
        .filter(pl.col("alias") != pl.col("id"))
        .select("alias", "id", source=pl.lit("rename"))
    )
    return settled_aliases(pl.concat([said.select("alias", "id", "source"), borne]), models["id"]).select(
        ALIASES.schema.names
    )


def _owned(ranked: pl.DataFrame, owner: pl.DataFrame, parts: pl.DataFrame, bit: Speaks) -> pl.DataFrame:
    """What rows say of a thing, kept from the best-ranked row of each repository that speaks of it, with ``model``."""
    return parts.join(speakers(ranked, int(bit)).join(owner, on="key").drop("key"), on="row")


def _claims(
    ranked: pl.DataFrame, owner: pl.DataFrame, models: pl.DataFrame, aliases: pl.DataFrame, said: pl.DataFrame
) -> tuple[pl.DataFrame, pl.DataFrame, pl.DataFrame]:
    """The claims table, the missing base models (id), and rows for ``skipped``."""
    spoken = [_owned(ranked, owner, said.filter(pl.col("evidence") == word), bit) for word, bit in _SPOKEN.items()]
    rest = said.filter(~pl.col("evidence").is_in(list(_SPOKEN)))
    spoken.append(_owned(ranked, owner, rest, Speaks(0xFF)))
    claims = pl.concat(spoken).rename({"base_hub_id": "hub_id"})
    claims = with_missing(resolved(claims, models.select("id", "hub_id", "downloads"), aliases))
    loop = pl.col("model") == pl.col("id")
    loops = (
        claims.filter(loop)
        .select("model", "evidence", "said")
        .unique()
        .select(source="evidence", reason=pl.lit("self-loop"), detail="said", model="model")
    )
    detail = pl.coalesce("detail", pl.when(pl.col("said") != pl.col("id")).then("said"))
    table = (
        claims.filter(~loop)
        .with_columns(base_model="id", detail=detail, confidence=pl.lit(None, pl.Float64))
        .sort(*BY_NAME["claims"].key, "detail", nulls_last=True)
        .unique(list(BY_NAME["claims"].key), keep="first", maintain_order=True)
        .select(BY_NAME["claims"].schema.names)
    )
    missing = claims.filter(pl.col("missing") & ~loop).select("id").unique()
    return table, missing, loops


def _trainings(
    ranked: pl.DataFrame, owner: pl.DataFrame, datasets: pl.DataFrame, said: pl.DataFrame
) -> tuple[pl.DataFrame, pl.DataFrame]:
    """The trainings table, and the missing datasets (id)."""
    spoken = [_owned(ranked, owner, said.filter(pl.col("evidence") == word), _SPOKEN[word]) for word in ("card", "tag")]
    named = pl.concat(spoken).rename({"dataset": "said"}).with_columns(hub_id=pl.lit(None, pl.String))
    none = pl.DataFrame(schema={"alias": pl.String, "id": pl.String})
    found = with_missing(resolved(named, datasets.select("id", "hub_id", "downloads"), none))
    order = pl.col("evidence").replace_strict(_EVIDENCE_ORDER, return_dtype=pl.UInt8)
    table = (
        found.with_columns(order=order)
        .sort("model", "id", "order")
        .group_by("model", "id", maintain_order=True)
        .agg(pl.col("evidence").unique(maintain_order=True))
        .rename({"id": "dataset"})
    )
    return table, found.filter("missing").select("id").unique()


def _nodes(missing: pl.DataFrame) -> pl.DataFrame:
    """Nodes for repositories that were named and never seen."""
    author = pl.when(pl.col("id").str.contains("/", literal=True)).then(pl.col("id").str.split("/").list.first())
    empty = pl.lit([], dtype=pl.List(pl.String))
    return missing.with_columns(author=author, state=pl.lit(State.MISSING.value), tags=empty, languages=empty)


def _weights(files: pl.DataFrame) -> tuple[pl.DataFrame, pl.DataFrame]:
    """The weights and holdings tables: models all of whose weight files have a known sha256, by the set of these."""
    held = files.filter(pl.col("path").str.contains(_WEIGHT_FILES))
    whole = (
        held.sort("model", "sha256")
        .group_by("model", maintain_order=True)
        .agg(known=pl.col("sha256").is_not_null().all(), hashes=pl.col("sha256").unique(maintain_order=True))
        .filter("known")
    )
    digests = {hashes: _sha256(hashes) for hashes in whole["hashes"].list.join("\n").unique().to_list()}
    holdings = whole.select(
        "model", digest=pl.col("hashes").list.join("\n").replace_strict(digests, return_dtype=pl.String)
    ).sort("digest", "model")
    sizes = held.group_by("sha256").agg(pl.col("size").max())
    one = holdings.unique("digest", keep="first", maintain_order=True).join(whole, on="model").explode("hashes")
    facts = (
        one.join(sizes, left_on="hashes", right_on="sha256", how="left")
        .group_by("digest")
        .agg(
            files=pl.len().cast(pl.Int32),
            size=pl.when(pl.col("size").null_count() == 0).then(pl.col("size").sum()),
        )
    )
    holders = holdings.group_by("digest").agg(holders=pl.len().cast(pl.Int32))
    return facts.join(holders, on="digest").sort("digest"), holdings.select("digest", "model")


def _sha256(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()


def _with_kinship(models: pl.DataFrame, edges: pl.DataFrame) -> tuple[pl.DataFrame, pl.DataFrame]:
    """Add what follows from the shape of the graph to both tables; ``models`` is sorted by id."""
    numbers = models.select("id").with_row_index("number")
    child = edges.select(id="model").join(numbers, on="id", how="left", maintain_order="left")["number"]
    base = edges.select(id="base_model").join(numbers, on="id", how="left", maintain_order="left")["number"]
    shape = kinship(models.height, child.cast(pl.Int64).to_numpy(), base.cast(pl.Int64).to_numpy())
    own = edges.group_by("model").agg(relations=pl.col("relation").unique().sort(), base_models=pl.len().cast(pl.Int32))
    with_own = models.join(own, left_on="id", right_on="model", how="left", maintain_order="left").with_columns(
        relations=pl.col("relations").fill_null(pl.lit([], dtype=pl.List(pl.String))),
        base_models=pl.col("base_models").fill_null(0),
        generation=pl.Series(shape.generation, dtype=pl.Int32),
        descendants=pl.Series(shape.descendants, dtype=pl.Int64),
    )
    return with_own, edges.with_columns(cycle=pl.Series(shape.cycle, dtype=pl.Boolean))


def _with_uses(datasets: pl.DataFrame, trainings: pl.DataFrame) -> pl.DataFrame:
    uses = trainings.group_by("dataset").agg(models=pl.len().cast(pl.Int64))
    return (
        datasets.join(uses, left_on="id", right_on="dataset", how="left")
        .with_columns(pl.col("models").fill_null(0))
        .sort("id")
    )
