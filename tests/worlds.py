"""Small worlds: Hub rows that become snapshots through the real pipeline, drawn by hand or by hypothesis."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any

import pyarrow as pa
from hypothesis import strategies as st

from graph.catalogue import Catalogue
from graph.progress import Silent
from graph.records import ClaimRecord, Evidence, Relation
from graph.snapshot import Snapshot, Source
from ingest.finish import finish
from ingest.parse import PartBuilder
from ingest.staging import STAGED, PartCounts, Staging

Row = dict[str, Any]
Result = tuple[str, str, float]  # model as spelled, benchmark, fraction
Alike = tuple[str, str, float]  # model, other, cosine
Held = tuple[str, str, str]  # model, role, a hex digit that the digest is made of
Told = tuple[str, str, str, float]  # by the weights: model, relation, base model, probability


def model(id: str, *bases: str, relation: str = "finetune", downloads: int | None = None, **more: Any) -> Row:
    """A row of the Hub's API; ``bases`` are said by the Hub and by tags alike."""
    row: Row = {"id": id, "downloads": downloads, "tags": [], **more}
    if bases:
        row["baseModels"] = {"relation": relation, "models": [{"id": base} for base in bases]}
        row["tags"] = [*row["tags"], *(f"base_model:{relation}:{base}" for base in bases)]
    return row


def build(
    folder: Path,
    rows: Iterable[Row],
    datasets: Iterable[Row] = (),
    aliases: Iterable[tuple[str, str]] = (),
    results: Iterable[Result] = (),
    similar: Iterable[Alike] = (),
    tensors: Iterable[Held] = (),
    told: Iterable[Told] = (),
) -> Snapshot:
    """Take rows in as one run and make the result HEAD."""
    builder = PartBuilder()
    for number, row in enumerate(rows, 1):
        builder.add_model(row, "drawn", number)
    for number, row in enumerate(datasets, 1):
        builder.add_dataset(row, "drawn-datasets", number)
    for alias, id in aliases:
        builder.add_alias(alias, id, "redirect")
    for number, (id, relation, base, probability) in enumerate(told, 1):
        by = Evidence.CONFIG if relation == "adapter" else Evidence.WEIGHTS  # of adapters it is their configuration
        claim = ClaimRecord(id, base, Relation(relation), by, by.value, probability, "drawn")
        builder.add_claims(id, [claim], "weights", number)
    catalogue = Catalogue(folder)
    with catalogue.locked():
        staging = Staging(catalogue.staging("drawn"))
        staging.write("all", builder.tables(), builder.counts())
        staging.write("results", {"results": results_table(results)}, PartCounts(0, 0, {}))
        measured = {"similar": similar_table(similar), "tensors": tensors_table(tensors)}
        staging.write("measured", measured, PartCounts(0, 0, {}))
        finish(catalogue, staging, [Source("drawn", "a world", 0)], 1.0, Silent())
    return catalogue.head()


def similar_table(similar: Iterable[Alike]) -> pa.Table:
    """Staged likenesses, told from both."""
    rows = [
        {
            "model": one,
            "other": other,
            "cosine": cosine,
            "relative_distance": None if cosine < 0.5 else 1 - cosine,
            "shared_fraction": None if cosine < 0.5 else cosine / 2,
            "components": ["embedding", "layers"] if cosine > 0.5 else [],
            "component_cosines": [1.0, cosine] if cosine > 0.5 else [],
            "method": "weights",
            "p_value": None if cosine < 0.5 else 1e-300,
        }
        for a, b, cosine in similar
        for one, other in ((a, b), (b, a))
    ]
    return pa.Table.from_pylist(rows, schema=STAGED["similar"])


def tensors_table(tensors: Iterable[Held]) -> pa.Table:
    """Staged tensors; the digit says how many thousand values there are."""
    rows = [
        {"model": model, "role": role, "digest": letter * 32, "values": 1_000 * int(letter, 16)}
        for model, role, letter in tensors
    ]
    return pa.Table.from_pylist(rows, schema=STAGED["tensors"])


def alike() -> list[Alike]:
    """Of the family below: twins of one cosine, a negative one, and a model that is not in it."""
    return [
        ("root/base", "a/tuned", 0.99),
        ("root/base", "d/mix", 0.99),
        ("a/tuned", "d/mix", 0.7),
        ("root/base", "c/orphan", -0.1),
        ("root/base", "not/there", 0.9),
    ]


def told() -> list[Told]:
    """Of the family below, by the weights: a copy that its card calls quantised, one that it does not name, another base model, a
    parent of a merge that is as said, a base model of one that names none, and an adapter that
    does not fit.
    """
    return [
        ("b/quant", "recast", "a/tuned", 0.9),
        ("a/tuned", "identical", "root/base", 1.0),
        ("d/mix", "merge", "root/base", 0.97),
        ("c/orphan", "finetune", "root/base", 0.6),
        ("e/one", "pruned", "a/tuned", 0.3),
        ("root/base", "finetune", "e/two", 0.8),
        ("e/two", "adapter", "d/mix", 0.1),
    ]


def held() -> list[Held]:
    """Of the family below: a tensor of three models, twice in one; one of one model; one of a model that is not in it."""
    return [
        ("root/base", "0.mlp.up", "a"),
        ("root/base", "1.mlp.up", "a"),
        ("a/tuned", "0.mlp.up", "a"),
        ("d/mix", "0.mlp.up", "a"),
        ("d/mix", "embedding", "c"),
        ("not/there", "0.mlp.up", "a"),
    ]


def results_table(results: Iterable[Result]) -> pa.Table:
    """Staged results of one leaderboard."""
    rows = [
        {
            "said": said,
            "benchmark": benchmark,
            "setting": "",
            "source": "board",
            "metric": "accuracy",
            "value": value,
            "fraction": value,
            "domain": None if benchmark == "three" else "knowledge",
            "grade": "leaderboard",
        }
        for said, benchmark, value in results
    ]
    return pa.Table.from_pylist(rows, schema=STAGED["results"])


def board() -> list[Result]:
    """Three benchmarks of the family below, in other spellings too; one is of no model in it."""
    heights = {"ROOT/base": 0.5, "a/tuned": 0.7, "old/name": 0.52, "e/one": 0.3, "E/two": 0.2, "far/away": 0.9}
    return [
        (said, benchmark, height + shift)
        for said, height in heights.items()
        for benchmark, shift in (("one", 0.0), ("two", 0.05), ("three", -0.1))
    ] + [("d/mix", "one", 0.4)]


def niches() -> list[Row]:
    """
    old/base <--- old/tuned      of one niche: text-generation, 3B-10B, permissive; beside it new/strict (conditions),
        ^                        new/large (too large), new/other (of another task), new/unsized, new/floor (without a
        +--- new/child           date), new/few (too few results); old/base says that new/child comes after it, old/tuned
    new/better, new/best         that OLD/alias does, an alias of new/best; new/best that nobody/there does
    """
    text: Row = {"pipeline_tag": "text-generation", "license": "apache-2.0"}

    def one(id: str, month: str | None, *bases: str, billions: float | None = 7.0, **more: Any) -> Row:
        said = {**text, **more}
        card = {"license": said.pop("license"), **({"new_version": said.pop("next")} if "next" in said else {})}
        size = None if billions is None else {"total": round(billions * 1e9)}
        made = None if month is None else f"{month}-01T00:00:00.000Z"
        return model(id, *bases, createdAt=made, safetensors=size, cardData=card, **said)

    return [
        one("old/base", "2023-01", next="new/child"),
        one("old/tuned", "2023-03", "old/base", next="OLD/alias"),
        one("new/child", "2024-01", "old/base", license="mit"),
        one("new/better", "2024-02"),
        one("new/best", "2024-03", billions=8.7, next="nobody/there"),
        one("new/strict", "2024-01", license="llama3"),
        one("new/large", "2024-01", billions=9.0),
        one("new/other", "2024-01", pipeline_tag="fill-mask"),
        one("new/unsized", "2024-01", billions=None),
        one("new/floor", None),
        one("new/few", "2024-01"),
    ]


def niche_board() -> list[Result]:
    """Eight benchmarks of the niches above; of new/few two."""
    heights = {
        "old/base": 0.2,
        "old/tuned": 0.25,
        "new/child": 0.5,
        "new/better": 0.6,
        "new/best": 0.7,
        "new/strict": 0.75,
        "new/large": 0.8,
        "new/other": 0.8,
        "new/unsized": 0.8,
        "new/floor": 0.8,
        "new/few": 0.8,
    }
    return [
        (said, f"benchmark {number}", round(height + 0.02 * number, 3))
        for said, height in heights.items()
        for number in range(2 if said == "new/few" else 8)
    ]


def family() -> list[Row]:
    """
    root/base <--- a/tuned <--- b/quant          lost/base <--- c/orphan
        ^            ^                           e/one <--> e/two (a cycle)
        +--- d/mix --+  (merge of both)          a/tuned: the card names root/base and x/other
    """
    return [
        model("root/base", downloads=100, pipeline_tag="text-generation", createdAt="2023-01-02T00:00:00Z"),
        model(
            "a/tuned",
            "root/base",
            downloads=50,
            cardData={"base_model": ["root/base", "x/other"], "datasets": ["some/set"]},
        ),
        model("b/quant", "a/tuned", relation="quantized", downloads=70),
        model(
            "d/mix",
            "root/base",
            "a/tuned",
            relation="merge",
            downloads=70,
            evalResults=[{"data": {"dataset": {"id": "some/set", "task_id": "odd"}, "value": 7}, "pullRequest": 1}],
        ),
        model("c/orphan", "lost/base", downloads=None),
        model("e/one", "e/two", downloads=1),
        model("e/two", "e/one", downloads=2),
    ]


NAMES = st.sampled_from(
    [f"{org}/{name}" for org in ("a", "B", "org-1") for name in ("x", "X", "base", "tuned-7B", "m.0", "q_4")] + ["bare"]
)
ELSEWHERE = st.sampled_from(
    ["lost/one", "LOST/one", "a/x", "A/x", "./out", "ORIGINAL_REPO_NAME", "https://huggingface.co/B/base", "old/name"]
)
WORDS = st.sampled_from(["text-generation", "fill-mask", 'odd "quotes" \\', "名前", "`tick`"])
TIMES = st.sampled_from(
    ["2022-03-02T23:29:04.000Z", "2023-05-01T12:00:00.000Z", "2024-12-31T23:59:59.999Z", "2025-01-01T00:00:00Z", "soon"]
)
COUNTS = st.one_of(st.none(), st.sampled_from([0, 1, 7, 7, 10**9, 3 * 10**9]))
HASHES = st.sampled_from(["a" * 64, "b" * 64])


@st.composite
def hub_rows(draw: st.DrawFn) -> list[Row]:
    """Families with cycles, diamonds, merges, missing parents, disagreeing claims, ties, unknown values and copies."""
    ids = draw(st.lists(NAMES, min_size=1, max_size=12, unique=True))
    rows = []
    for number, id in enumerate(ids):
        bases: Sequence[str] = draw(st.lists(st.one_of(st.sampled_from(ids), ELSEWHERE), max_size=3))
        row: Row = {
            "id": id,
            "downloads": draw(COUNTS),
            "likes": draw(COUNTS),
            "tags": draw(st.lists(WORDS, max_size=2)),
        }
        row["_id"] = draw(st.one_of(st.none(), st.just(f"{number:024x}")))
        relation = draw(st.sampled_from(["finetune", "adapter", "merge", "quantized", "odd"]))
        if draw(st.booleans()):
            row["baseModels"] = {"relation": relation, "models": [{"id": base} for base in bases]}
        for base in draw(st.lists(st.sampled_from(bases), max_size=2)) if bases else []:
            row["tags"] += [f"base_model:{base}", f"base_model:{draw(st.sampled_from(['finetune', 'merge']))}:{base}"]
        if draw(st.booleans()):
            row["cardData"] = {
                "base_model": list(bases),
                "license": "mit",
                "datasets": draw(st.lists(st.sampled_from(["s/one", "S/One", "two"]), max_size=2)),
            }
        row["pipeline_tag"], row["createdAt"] = draw(st.one_of(st.none(), WORDS)), draw(TIMES)
        row["trendingScore"] = draw(st.sampled_from([None, 0, 1.5]))
        if draw(st.booleans()):
            row["safetensors"] = {"total": draw(st.sampled_from([10, 10**8, 7 * 10**9]))}
        if draw(st.booleans()):
            row["siblings"] = [{"rfilename": "model.safetensors", "lfs": {"sha256": draw(HASHES), "size": 5}}]
        rows.append(row)
    return rows
