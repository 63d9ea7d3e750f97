"""This file knows how staged rows and the snapshot before become the tables of the next one. Whole columns, never row by row."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from dataclasses import dataclass, replace

import numpy as np
import polars as pl
import pyarrow as pa

from graph.kinship import kinship
from graph.novelty import Class
from graph.records import Evidence, State
from graph.snapshot import ROW_GROUP, Snapshot
from graph.standard import columns, shipped
from graph.tables import ALIASES, BY_NAME, DATASETS, MODELS
from ingest.derive import derivations
from ingest.enrich.novelty import Known, scores
from ingest.ranking import identities, merged, speakers
from ingest.resolve import resolved, settled_aliases, with_missing
from ingest.results.assembled import lowest, measured, outlives, results, spellings, votes
from ingest.results.declared import EVAL_RESULTS, MODEL_INDEX, SOURCES
from ingest.staging import COMPUTED, NEW_NORM, SIMILAR_ANEW, STAGED, WEIGHTS_ANEW, Speaks, Staging

WEIGHT_FILES = r"(?i)\.(safetensors|gguf|bin|pt|pth|ckpt|onnx|h5|msgpack)$"
_SPOKEN = {"hub": Speaks.HUB, "card": Speaks.CARD, "tag": Speaks.TAGS}
_TOLD = {EVAL_RESULTS: Speaks.RESULTS, MODEL_INDEX: Speaks.INDEX}
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
    declared: pl.DataFrame
    aliases: pl.DataFrame


def assemble(staging: Staging, previous: Snapshot | None) -> Tables:
    """The content tables of the next snapshot and its ``skipped``, each in key order; ``arrow`` makes a table of each.

    What is no longer needed is let go at once: the models alone are gigabytes for a whole Hub.
    """
    inputs = _inputs(staging, previous)
    ranked = identities(inputs.models)
    swept = staging.note("sweep-model") == "complete", staging.note("sweep-dataset") == "complete"
    fresh = (
        None if previous is None and not swept[0] else inputs.models.filter(pl.col("row") >= 0).select("id", "state")
    )
    parts = replace(inputs, models=inputs.models.clear(), datasets=inputs.datasets.clear())
    models = merged(ranked, [field.name for field in MODELS.schema if field.name not in COMPUTED])
    spoken = speakers(ranked)
    borne = ranked.filter("repeated").select("key", alias="id").unique()
    fresh_datasets = inputs.datasets.filter(pl.col("row") >= 0).select("id", "state")
    datasets = merged(identities(inputs.datasets), [f.name for f in DATASETS.schema if f.name not in COMPUTED])
    del inputs, ranked
    if fresh is not None:
        models = _gone(models, "model", staging, fresh, complete=swept[0])
    datasets = _gone(datasets, "dataset", staging, fresh_datasets, complete=swept[1])
    owner = _owner(spoken, models)
    out: Tables = {"aliases": _aliases(borne, models, parts.aliases)}
    models, owner_ids = models.drop("key"), models.select("id", "hub_id", "downloads")
    said = _said(owner, owner_ids, out["aliases"], parts.claims)
    nodes = pl.concat([models, _nodes(said.filter("missing").select("id").unique())], how="diagonal").sort("id")
    del models
    number = nodes.select("id").with_row_index("number")
    out["claims"], loops = _claims(said, number)
    del said
    out["trainings"], missing_datasets = _trainings(owner, number, datasets, parts.trainings)
    out["files"] = (
        _owned(owner, parts.files, pl.lit(int(Speaks.FILES)))
        .select(BY_NAME["files"].schema.names)
        .unique(["model", "path"], keep="any")
        .sort("model", "path")
    )
    bit = pl.col("source").replace_strict({source: int(bit) for source, bit in _TOLD.items()}, return_dtype=pl.UInt8)
    declared = _owned(owner, parts.declared, bit)
    out["weights"], out["holdings"] = _weights(out["files"])
    out["models"], out["derivations"] = _with_kinship(nodes, derivations(out["claims"]))
    del nodes
    for name in ("similar", "changes", "tensors"):
        out[name] = _of_weights(name, staging, previous, number)
    out["models"], out["novelty"] = _with_novelty(out)
    out["models"] = _with_abilities(out, declared, staging, previous)
    out["models"] = _with_standards(out)
    out["datasets"] = _with_uses(
        pl.concat([datasets.drop("key"), _nodes(missing_datasets)], how="diagonal"), out["trainings"]
    )
    out["skipped"] = pl.concat([_frame(staging.table("skipped")), loops], how="diagonal").sort(BY_NAME["skipped"].key)
    return {name: _typed(name, frame) for name, frame in out.items()}


def _typed(name: str, frame: pl.DataFrame) -> pl.DataFrame:
    """A table in the types of its schema. Columns beyond it are kept: numbers of models (``graph.frames``)."""
    kinds = _frame(BY_NAME[name].schema.empty_table()).schema
    numbers = [column for column in frame.columns if column.removesuffix("_number") != column]
    return frame.select(*(pl.col(column).cast(kind) for column, kind in kinds.items()), *numbers)


def _frame(table: pa.Table) -> pl.DataFrame:
    frame = pl.from_arrow(table)
    if not isinstance(frame, pl.DataFrame):
        raise TypeError(type(frame))
    return frame


def arrow_batches(name: str, frame: pl.DataFrame) -> Iterator[pa.Table]:
    """A table as snapshots hold it, a piece at a time."""
    for piece in frame.iter_slices(ROW_GROUP):
        yield arrow(name, piece)


def arrow(name: str, frame: pl.DataFrame) -> pa.Table:
    """A table as snapshots hold it."""
    schema = BY_NAME[name].schema
    return frame.select(schema.names).to_arrow(compat_level=pl.CompatLevel.oldest()).cast(schema)


def _inputs(staging: Staging, previous: Snapshot | None) -> _Inputs:
    staged = {
        name: _frame(staging.table(name))
        for name in ("models", "datasets", "claims", "trainings", "files", "declared", "aliases")
    }
    if previous is None:
        return _Inputs(**staged)
    claims = previous.frame("claims").rename({"base_model": "said"})
    if staging.note(WEIGHTS_ANEW) is not None:  # what weights say is said as a whole
        claims = claims.filter(pl.col("evidence") != Evidence.WEIGHTS.value)
    bits = claims.group_by("model").agg(
        *[(pl.col("evidence") == word).any().cast(pl.UInt8).alias(word) * int(bit) for word, bit in _SPOKEN.items()]
    )
    holders = previous.frame("files", ["model"]).unique().with_columns(files=pl.lit(int(Speaks.FILES), pl.UInt8))
    declared = previous.frame("results").filter(pl.col("source").is_in(SOURCES) & pl.col("known"))
    tellers = declared.group_by("model").agg(
        *[(pl.col("source") == source).any().cast(pl.UInt8).alias(source) * int(bit) for source, bit in _TOLD.items()]
    )
    models = (
        _known(previous, "models")
        .join(bits, left_on="id", right_on="model", how="left", maintain_order="left")
        .join(holders, left_on="id", right_on="model", how="left", maintain_order="left")
        .join(tellers, left_on="id", right_on="model", how="left", maintain_order="left")
        .with_columns(
            speaks=pl.sum_horizontal(pl.col(name).fill_null(0) for name in (*_SPOKEN, "files", *SOURCES)).cast(
                pl.UInt8
            ),
        )
        .select(STAGED["models"].names)
    )
    rows = models.select("row", model="id")
    earlier = {
        "models": models,
        "datasets": _known(previous, "datasets").select(STAGED["datasets"].names),
        "claims": claims.join(rows, on="model").with_columns(base_hub_id=pl.lit(None, pl.String)),
        "trainings": previous.frame("trainings").explode("evidence").join(rows, on="model"),
        "files": previous.frame("files").join(rows, on="model"),
        "declared": declared.join(rows, on="model"),
        "aliases": previous.frame("aliases"),
    }
    return _Inputs(**{name: pl.concat([staged[name], earlier[name].select(staged[name].columns)]) for name in staged})


def _known(previous: Snapshot, table: str) -> pl.DataFrame:
    """The repositories of a snapshot that were seen themselves, as staged rows numbered -1, -2, ..."""
    frame = previous.frame(table).filter(pl.col("state") != State.MISSING.value)
    return frame.with_columns(row=-1 - pl.int_range(frame.height, dtype=pl.Int64), tie=pl.lit(0, pl.UInt64))


def _gone(known: pl.DataFrame, kind: str, staging: Staging, fresh: pl.DataFrame, *, complete: bool) -> pl.DataFrame:
    """Mark what a complete sweep did not see; what any staged row (``fresh``: id, state) tells of is there again."""
    states = fresh.group_by("id").agg(fresh=pl.col("state").min())
    known = known.join(states, on="id", how="left").with_columns(state=pl.coalesce("fresh", "state"))
    if complete:
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


def _aliases(borne: pl.DataFrame, models: pl.DataFrame, said: pl.DataFrame) -> pl.DataFrame:
    """Names that the sources gave, and names (key, alias) that a repository bore in an older row."""
    renamed = (
        borne.join(models.select("key", "id"), on="key")
        .filter(pl.col("alias") != pl.col("id"))
        .select("alias", "id", source=pl.lit("rename"))
    )
    return settled_aliases(pl.concat([said.select("alias", "id", "source"), renamed]), models["id"]).select(
        ALIASES.schema.names
    )


def _owner(spoken: pl.DataFrame, models: pl.DataFrame) -> pl.DataFrame:
    """(row, speaks, model): for which model each row speaks."""
    if spoken["key"].equals(models["key"]):  # as in most dumps: one row a model
        return spoken.drop("key").with_columns(model=models["id"])
    return spoken.join(models.select("key", model="id"), on="key").drop("key")


def _owned(owner: pl.DataFrame, parts: pl.DataFrame, bit: pl.Expr) -> pl.DataFrame:
    """What rows say of a thing, where the row speaks of it for its repository, with ``model``. Bit 0: whoever says it."""
    said = parts.with_columns(bit=bit.cast(pl.UInt8)).join(owner, on="row")
    return said.filter((pl.col("bit") == 0) | ((pl.col("speaks") & pl.col("bit")) != 0)).drop("bit", "speaks", "row")


def _bit() -> pl.Expr:
    """The bit of what a claim's evidence is about."""
    return pl.col("evidence").replace_strict({word: int(bit) for word, bit in _SPOKEN.items()}, default=0)


def _said(owner: pl.DataFrame, known: pl.DataFrame, aliases: pl.DataFrame, claims: pl.DataFrame) -> pl.DataFrame:
    """Claims with ``model`` and the base model's ``id``, and whether that is ``missing``."""
    named = _owned(owner, claims, _bit()).rename({"base_hub_id": "hub_id"})
    return with_missing(resolved(named, known, aliases)).drop("hub_id")


def _claims(said: pl.DataFrame, number: pl.DataFrame) -> tuple[pl.DataFrame, pl.DataFrame]:
    """The claims table, and self loops as rows for ``skipped``."""
    loop = pl.col("model") == pl.col("id")
    loops = (
        said.filter(loop)
        .select("model", "evidence", "said")
        .unique()
        .select(source="evidence", reason=pl.lit("self-loop"), detail="said", model="model")
    )
    pair = (
        said.filter(~loop)
        .join(number.select(model="id", child="number"), on="model")
        .join(number.select(id="id", base="number"), on="id")
        .with_columns(
            pair=pl.col("child").cast(pl.Int64) * number.height + pl.col("base"),
            detail=pl.coalesce("detail", pl.when(pl.col("said") != pl.col("id")).then("said")),
            **{f"{name}_": _place(said[name]) for name in ("evidence", "relation", "where")},
        )
        .sort("pair", "evidence_", "relation_", "where_", "detail", nulls_last=True)
    )
    same = [pl.col(name) == pl.col(name).shift() for name in ("pair", "evidence_", "relation_", "where_")]
    table = (
        pair.filter(~pl.all_horizontal(same).fill_null(value=False))
        .with_columns(base_model="id")
        .select(*BY_NAME["claims"].schema.names, model_number="child", base_model_number="base")
    )
    return table, loops


def _place(words: pl.Series) -> pl.Expr:
    """The place of each of a few words among them, in the order of their bytes."""
    distinct = words.unique().sort().to_list()
    return pl.col(words.name).replace_strict({word: at for at, word in enumerate(distinct)}, return_dtype=pl.Int32)


def _trainings(
    owner: pl.DataFrame, number: pl.DataFrame, datasets: pl.DataFrame, said: pl.DataFrame
) -> tuple[pl.DataFrame, pl.DataFrame]:
    """The trainings table, and the missing datasets (id)."""
    named = _owned(owner, said, _bit()).rename({"dataset": "said"}).with_columns(hub_id=pl.lit(None, pl.String))
    none = pl.DataFrame(schema={"alias": pl.String, "id": pl.String})
    found = with_missing(resolved(named, datasets.select("id", "hub_id", "downloads"), none))
    places = found.select("id").unique().sort("id").with_row_index("place")
    order = pl.col("evidence").replace_strict(_EVIDENCE_ORDER, return_dtype=pl.UInt8)
    table = (
        found.join(number.select(model="id", child="number"), on="model")
        .join(places, on="id")
        .with_columns(order=order, pair=pl.col("child").cast(pl.Int64) * max(1, places.height) + pl.col("place"))
        .sort("pair", "order")
        .group_by("pair", maintain_order=True)
        .agg(pl.col("model", "id", "child").first(), pl.col("evidence").unique(maintain_order=True))
        .rename({"id": "dataset", "child": "model_number"})
        .drop("pair")
    )
    return table, found.filter("missing").select("id").unique()


def _nodes(missing: pl.DataFrame) -> pl.DataFrame:
    """Nodes for repositories that were named and never seen."""
    author = pl.when(pl.col("id").str.contains("/", literal=True)).then(pl.col("id").str.split("/").list.first())
    empty = pl.lit([], dtype=pl.List(pl.String))
    return missing.with_columns(author=author, state=pl.lit(State.MISSING.value), tags=empty, languages=empty)


def _weights(files: pl.DataFrame) -> tuple[pl.DataFrame, pl.DataFrame]:
    """The weights and holdings tables: models all of whose weight files have a known sha256, by the set of these."""
    held = files.filter(pl.col("path").str.contains(WEIGHT_FILES))
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
    child, base = (edges[end].cast(pl.Int64).to_numpy() for end in ("model_number", "base_model_number"))
    shape = kinship(models.height, child, base)
    own = edges.group_by("model_number").agg(relations=pl.col("relation").unique().sort())
    of_model = np.full(models.height, own.height)  # the last is that of models without a base
    of_model[own["model_number"].to_numpy()] = np.arange(own.height)
    relations = own["relations"].append(pl.Series([[]], dtype=pl.List(pl.String)))
    with_own = models.with_columns(
        relations=relations.gather(of_model),
        base_models=pl.Series(np.bincount(child, minlength=models.height), dtype=pl.Int32),
        generation=pl.Series(shape.generation, dtype=pl.Int32),
        descendants=pl.Series(shape.descendants, dtype=pl.Int64),
    )
    return with_own, edges.with_columns(cycle=pl.Series(shape.cycle, dtype=pl.Boolean))


def _of_weights(name: str, staging: Staging, previous: Snapshot | None, number: pl.DataFrame) -> pl.DataFrame:
    """What was measured of weights: told by this run as a whole, or kept from the snapshot before."""
    alone = name == "similar" and staging.note(SIMILAR_ANEW) is not None
    told = previous is None or alone or staging.note(WEIGHTS_ANEW) is not None
    rows = _frame(staging.table(name) if told or previous is None else previous.table(name))
    for end in ("model", "other"):
        if end in rows.columns:
            rows = rows.join(number.select(pl.col("id").alias(end)), on=end, how="semi")
    return rows.sort(BY_NAME[name].key)


def _with_novelty(tables: Tables) -> tuple[pl.DataFrame, pl.DataFrame]:
    """The models with their novelty, and the facts that it rests on."""
    models = tables["models"]
    known = Known(models, tables["derivations"], tables["trainings"], tables["holdings"], tables["changes"])
    found = scores(known)
    place = np.full(models.height, found.height)  # the last is that of models that nothing is told of
    place[found["number"].to_numpy()] = np.arange(found.height)
    score, kind = (found[name].extend_constant(None, 1).gather(place) for name in ("score", "class"))
    seen = pl.col("state") != State.MISSING.value
    with_scores = models.with_columns(novelty=score, novelty_class=pl.when(seen).then(kind.fill_null(Class.NEW.value)))
    told = found.filter("told").rename({"number": "model_number"})
    return with_scores, told.select(*BY_NAME["novelty"].schema.names, "model_number", "other_number")


def _with_abilities(out: Tables, declared: pl.DataFrame, staging: Staging, previous: Snapshot | None) -> pl.DataFrame:
    """Adds results and votes under the catalogue's names, and abilities; returns the models with what they are ordered by."""
    parts = ("results", "votes", "abilities")
    before = {
        name: _frame(BY_NAME[name].schema.empty_table() if previous is None else previous.table(name)) for name in parts
    }
    told, said = _frame(staging.table("results")), _frame(staging.table("votes"))
    told = pl.concat([told, declared.rename({"model": "said"}).select(told.columns)])
    if told.is_empty() and said.is_empty() and all(frame.is_empty() for frame in before.values()):
        out.update(before)  # most catalogues: no names to look up
        return out["models"].with_columns(ability=pl.lit(None, pl.Float64))
    names = spellings(out["models"], out["aliases"])
    out["results"] = results(told, before["results"], names)
    out["votes"] = votes(said, before["votes"], names)
    norm = before["abilities"].filter("norm")["model"]
    stays = len(norm) and staging.note(NEW_NORM) is None and not outlives(out, before)
    out["abilities"] = measured(out, norm if stays else None)
    return out["models"].join(lowest(out["abilities"]), on="id", how="left", maintain_order="left")


def _with_standards(tables: Tables) -> pl.DataFrame:
    """The models with the names of the shipped standards that they meet."""
    kinds = list(shipped())
    bits = pl.sum_horizontal([each.passed().cast(pl.UInt8) * (1 << at) for at, each in enumerate(shipped().values())])
    met = columns(tables).select(bits.cast(pl.UInt8)).to_series()  # of each model, in their order
    names = [[name for at, name in enumerate(kinds) if bit >> at & 1] for bit in range(1 << len(kinds))]
    return tables["models"].with_columns(standards=pl.Series(names, dtype=pl.List(pl.String)).gather(met))


def _with_uses(datasets: pl.DataFrame, trainings: pl.DataFrame) -> pl.DataFrame:
    uses = trainings.group_by("dataset").agg(models=pl.len().cast(pl.Int64))
    return (
        datasets.join(uses, left_on="id", right_on="dataset", how="left")
        .with_columns(pl.col("models").fill_null(0))
        .sort("id")
    )
