"""This file knows what is told of a finished zoo: the truth with its dates, and the cards with their lies.

Dates and lies are drawn apart from the weights: another rate changes truth.json and cards.json, and no checkpoint.
"""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from pathlib import Path

import networkx as nx

from bench.zoo import tasks
from bench.zoo.making import Made, folder_of, noted
from bench.zoo.plan import Recipe, Size, planned
from bench.zoo.truth import Card, Model, Negative, Parent, Standing, Truth, write

FORMATS = {
    "bytes": "safetensors",
    "plain": "safetensors",
    "stripped": "safetensors",
    "renamed": "safetensors",
    "anonymous": "safetensors",
}
FORMATS |= {
    "transposed": "safetensors",
    "resharded": "sharded safetensors",
    "int8": "safetensors",
    "adapter": "peft adapter",
}
HUB = {"finetune", "adapter", "merge", "quantized"}


def dates(seed: int, plan: list[tuple[str, Recipe]]) -> dict[str, datetime]:
    """When each model was truly uploaded: after its bases, by days."""
    draw = tasks.generator("dates", seed)
    out: dict[str, datetime] = {}
    for _, recipe in plan:
        used = [*recipe.bases, *([recipe.settings["base"]] if recipe.verb == "merge" else [])]
        after = max(
            (out[b] for b in used),
            default=datetime(2023, 1, 1, tzinfo=UTC) + timedelta(days=float(draw.uniform(0, 90))),
        )
        out[recipe.name] = (after + timedelta(hours=1, days=float(draw.exponential(20)))).replace(microsecond=0)
    return out


def tell(zoo: Path, seed: int, roots: int, size: Size, wrong_times: float, missing: float) -> Truth:
    """Write truth.json and cards.json, and move the withheld models aside or back."""
    plan = planned(seed, roots, size)
    ids = {recipe.name: id for id, recipe in plan}
    recipes = {recipe.name: recipe for _, recipe in plan}
    true_dates = dates(seed, plan)
    draw = tasks.generator("lies", seed)
    children = [name for name, recipe in recipes.items() if recipe.relation]
    backdated = {name for name in children if draw.random() < wrong_times}
    bases = sorted({b for name in children for b in recipes[name].bases if recipes[b].verb != "pretrain"})
    withheld = {name for name in bases if draw.random() < missing}
    _withhold(zoo, {ids[name] for name in ids}, {ids[name] for name in withheld})

    told = dict(true_dates)
    for name in sorted(backdated):
        told[name] = min(true_dates[b] for b in recipes[name].bases) - timedelta(days=float(draw.uniform(1, 30)))
        told[name] = told[name].replace(microsecond=0)
    made: dict[str, Made] = {}
    for name, id in ids.items():
        note = noted(zoo, id)
        if note is None:
            raise FileNotFoundError(f"{id} ({name}) is not made")
        made[name] = note
    # a withheld model stands for its class only when nobody else does
    oldest_first = sorted(recipes, key=lambda n: (n in withheld, true_dates[n], n))
    classes = _classes(oldest_first, recipes, {name: made[name].digest for name in recipes})

    models, cards = [], []
    for name in sorted(recipes, key=lambda n: ids[n]):
        recipe = recipes[name]
        standing, card = card_of(recipe, ids, told, draw)
        parents = (
            []
            if recipe.relation is None
            else list(zip(recipe.bases, recipe.weights or [None] * len(recipe.bases), strict=True))
        )
        models.append(
            Model(
                id=ids[name],
                name=name,
                root=recipe.root,
                kind=recipe.kind,
                parents=tuple(
                    Parent(id=ids[b], relation=recipe.relation or "finetune", weight=w, missing=b in withheld)
                    for b, w in parents
                ),
                created_at=told[name].isoformat(),
                created_truly=true_dates[name].isoformat(),
                time_wrong=name in backdated,
                missing=name in withheld,
                dtype=_dtype(recipe, recipes),
                format="gguf" if recipe.layout.startswith("gguf") else FORMATS[recipe.layout],
                class_=ids[classes[name]],
                card=standing,
                relative_distance=made[name].relative_distance,
                detail={k: ids.get(v, v) if isinstance(v, str) else v for k, v in recipe.settings.items()}
                | {"layout": recipe.layout},
            )
        )
        if name not in withheld:
            cards.append(card)
    why = {
        "distil": "distilled from another",
        "pretrain": "trained from nothing; roots in pairs share architecture and data",
    }
    negatives = [Negative(id=ids[n], why=why[r.verb]) for n, r in recipes.items() if r.relation is None]
    truth = Truth(version=1, seed=seed, models=tuple(models), negatives=tuple(negatives))
    write(zoo / "truth.json", truth)
    write(zoo / "cards.json", cards)
    return truth


def _classes(oldest_first: list[str], recipes: dict[str, Recipe], digests: dict[str, str]) -> dict[str, str]:
    """The oldest with the same values in bf16, or that is a copy or cast (fp16 drops the smallest values)."""
    same: nx.Graph[str] = nx.Graph()
    same.add_edges_from((name, f"digest {digests[name]}") for name in oldest_first)
    same.add_edges_from(
        (name, recipe.bases[0]) for name, recipe in recipes.items() if recipe.relation in {"identical", "recast"}
    )
    out: dict[str, str] = {}
    for name in oldest_first:
        if name not in out:
            out |= dict.fromkeys(nx.node_connected_component(same, name) & recipes.keys(), name)
    return out


def _dtype(recipe: Recipe, recipes: dict[str, Recipe]) -> str:
    if recipe.verb == "copy":
        return recipes[recipe.bases[0]].dtype
    return (
        recipe.layout.removeprefix("gguf:")
        if recipe.layout.startswith("gguf:")
        else "int8"
        if recipe.layout == "int8"
        else recipe.dtype
    )


def _withhold(zoo: Path, known: set[str], withheld: set[str]) -> None:
    for id in sorted(known):
        target = zoo / ("withheld" if id in withheld else "models") / id
        source = folder_of(zoo, id)
        if source != target and source.exists():
            target.parent.mkdir(exist_ok=True)
            source.rename(target)


def card_of(
    recipe: Recipe, ids: dict[str, str], told: dict[str, datetime], draw: tasks.Generator
) -> tuple[Standing, Card]:
    """Six in ten derived models declare bases; of those 10 % a wrong one, 5 % one that is not in the zoo."""
    silent, lie, other, number = draw.random(), draw.random(), draw.random(), int(draw.integers(10**6))
    names = sorted(ids)
    base: tuple[str, ...] = ()
    standing: Standing = "silent"
    if recipe.relation and silent < 0.6:
        base, standing = tuple(ids[b] for b in recipe.bases), "right"
        if lie < 0.10:
            wrong = [n for n in names if n != recipe.name and n not in recipe.bases]
            base, standing = (ids[wrong[int(other * len(wrong))]],), "wrong"
        elif lie < 0.15:
            base, standing = (f"gone{number:06d}",), "gone"
    relation = (recipe.relation if recipe.relation in HUB else "finetune") if base else None
    return standing, Card(
        id=ids[recipe.name], created_at=told[recipe.name].isoformat(), base_model=base, relation=relation
    )
