"""This file knows how a plan becomes folders: each model is built from its stored bases, written aside, and moved into place.

A model whose recipe (and whose bases' recipes) are as noted in ``made/`` is kept; anything else is made again, and what the
plan does not name is removed.
"""

from __future__ import annotations

import fcntl
import hashlib
import shutil
from collections.abc import Iterator
from concurrent.futures import ProcessPoolExecutor
from multiprocessing import get_context
from pathlib import Path
from typing import Any

import msgspec
import torch

from bench.zoo import checkpoints, merges, networks, surgery, tasks, training
from bench.zoo.networks import Shape, Weights
from bench.zoo.plan import Recipe, Size, planned, shape_of

VERSION = 1  # raise it when the same recipe makes other bits


class Made(msgspec.Struct, frozen=True, kw_only=True):
    """What is noted of a finished model, in made/ID.json."""

    recipe: str  # hash of the recipe and of its bases' recipes
    digest: str  # of the values as bf16
    relative_distance: float | None


def folder_of(zoo: Path, id: str) -> Path:
    """Where a model lies: in models/, or in withheld/."""
    held = zoo / "withheld" / id
    return held if held.exists() else zoo / "models" / id


def noted(zoo: Path, id: str) -> Made | None:
    """What made/ says of a model, if it is there and the folder too."""
    path = zoo / "made" / f"{id}.json"
    if not path.exists() or not folder_of(zoo, id).exists():
        return None
    return msgspec.json.decode(path.read_bytes(), type=Made)


class Keeper:
    """Makes the models of one root."""

    def __init__(self, zoo: Path, seed: int, size: Size, plan: list[tuple[str, Recipe]]) -> None:
        self.zoo, self.seed, self.size = zoo, seed, size
        self.ids = {recipe.name: id for id, recipe in plan}
        self.recipes = {recipe.name: recipe for _, recipe in plan}
        self.read: dict[str, Weights] = {}
        self.hashes: dict[str, str] = {}

    def hash_of(self, name: str) -> str:
        """The recipe's hash, with its bases' in it."""
        if name not in self.hashes:
            recipe = self.recipes[name]
            used = {*recipe.bases, recipe.settings.get("base", "")} - {""}
            parts = [
                msgspec.json.encode(recipe),
                self.ids[name],
                self.seed,
                self.size,
                VERSION,
                [self.hash_of(b) for b in sorted(used)],
            ]
            self.hashes[name] = hashlib.sha256(repr(parts).encode()).hexdigest()[:24]
        return self.hashes[name]

    def base(self, name: str) -> Weights:
        """The stored weights of a base, as fp32."""
        if name not in self.read:
            self.read[name] = checkpoints.read(folder_of(self.zoo, self.ids[name]))
        return self.read[name]

    def make(self, name: str) -> bool:
        """Make one model unless it is there already."""
        id, recipe, digest = self.ids[name], self.recipes[name], self.hash_of(name)
        old = noted(self.zoo, id)
        if old is not None and old.recipe == digest:
            return False
        part = self.zoo / "made" / f"{id}.part"
        shutil.rmtree(part, ignore_errors=True)
        part.mkdir(parents=True)
        values = self.write(part, recipe)
        shutil.rmtree(folder_of(self.zoo, id), ignore_errors=True)
        target = self.zoo / "models" / id
        target.parent.mkdir(exist_ok=True)
        part.rename(target)
        made = Made(recipe=digest, digest=checkpoints.digest(values), relative_distance=self.distance(recipe, values))
        (self.zoo / "made" / f"{id}.json").write_bytes(msgspec.json.encode(made) + b"\n")
        return True

    def distance(self, recipe: Recipe, values: Weights) -> float | None:
        """|y - p| / |p| to the first base."""
        if not recipe.bases or recipe.layout == "adapter":
            return None
        base = self.base(recipe.bases[0])
        if {n: w.shape for n, w in base.items()} != {n: w.shape for n, w in values.items()}:
            return None
        change = sum(float((values[n] - w).double().pow(2).sum()) for n, w in base.items())
        return round(float((change / sum(float(w.double().pow(2).sum()) for w in base.values())) ** 0.5), 6)

    def write(self, folder: Path, recipe: Recipe) -> Weights:
        """The model's files; gives the values that they hold."""
        shape = shape_of(recipe.root, self.size)
        if recipe.layout == "bytes":
            shutil.copytree(folder_of(self.zoo, self.ids[recipe.bases[0]]), folder, dirs_exist_ok=True)
            return self.base(recipe.bases[0])
        weights = self.built(recipe, shape)
        if recipe.layout == "adapter":
            modules = _modules(recipe.settings["modules"])
            checkpoints.write_adapter(folder, weights, recipe.settings["rank"], modules, self.ids[recipe.bases[0]])
            return weights
        shape = networks.shape_of(weights, shape)
        if recipe.layout == "int8":
            checkpoints.write_int8(folder, weights, shape)
            return checkpoints.quantised(weights, "int8")
        if recipe.layout.startswith("gguf:"):
            grid = recipe.layout.removeprefix("gguf:")
            checkpoints.write_gguf(folder, weights, shape, grid)
            return checkpoints.quantised(weights, grid)
        dtype = recipe.dtype if recipe.verb != "copy" else self.recipes[recipe.bases[0]].dtype
        checkpoints.write(folder, weights, shape, dtype, recipe.layout, self.seed)
        return checkpoints.rounded(weights, dtype)

    def batches(self, recipe: Recipe) -> Iterator[torch.Tensor]:
        """The training data: a fixed set shared by all who name it, in an order of this model's own; or a language's stream."""
        settings = recipe.settings
        order = tasks.generator("order", self.seed, recipe.name)
        if "task" not in settings:
            return training.stream(settings["rule"], order)
        draw = tasks.generator("data", settings["task"], settings["rule"])
        return training.epochs(tasks.sequences(settings["task"], settings["rule"], draw, settings["rows"]), order)

    def built(self, recipe: Recipe, shape: Shape) -> Weights:
        """The weights before they are rounded for storage (a merged adapter's sum, an adapter's two factors)."""
        how: dict[str, Any] = recipe.settings
        seed = training.torch_seed(self.seed, recipe.name)
        bases = [self.base(name) for name in recipe.bases]
        weights = list(recipe.weights)
        match recipe.verb:
            case "pretrain":
                start = bases[0] if bases else networks.first(shape, seed)
                return training.finetune(start, shape, self.batches(recipe), how["steps"], how["rate"])
            case "distil":
                return training.distil(bases[0], shape, seed, self.batches(recipe), how["steps"], how["rate"])
            case "adapt":
                modules = _modules(how["modules"])
                pairs = training.adapt(
                    bases[0], shape, how["rank"], modules, seed, self.batches(recipe), how["steps"], how["rate"]
                )
                return training.with_adapter(bases[0], pairs) if how["merged"] else pairs
            case "merge":
                root = self.base(how["base"])
                match recipe.kind:
                    case "linear":
                        return merges.linear(bases, weights)
                    case "slerp":
                        return merges.slerp(bases, weights)
                    case "task arithmetic":
                        return merges.task_arithmetic(root, bases, weights)
                    case "dare":
                        return merges.dare(root, bases, weights, how["density"], seed)
                return merges.ties(root, bases, weights, how["density"])
            case "quantise":
                return checkpoints.quantised(bases[0], how["grid"]) if recipe.layout == "plain" else bases[0]
            case "sparsify":
                return surgery.sparsify(bases[0], how["share"])
            case "drop layer":
                return surgery.drop_layer(bases[0], how["dropped"])
            case "permute neurons":
                return surgery.permute_neurons(bases[0], seed)
            case "rescale":
                return surgery.rescale(bases[0], seed)
            case "noise":
                return surgery.noise(bases[0], how["relative"], seed)
        start = bases[0]
        if recipe.verb == "drop neurons":
            start = surgery.drop_neurons(start, how["kept"])
        elif recipe.verb == "extend vocabulary":
            start = surgery.extend_vocabulary(start, how["added"], seed)
        elif recipe.verb == "new head":
            start = surgery.new_head(start, seed)
        if "steps" not in how:
            return start
        return training.finetune(
            start, networks.shape_of(start, shape), self.batches(recipe), how["steps"], how["rate"], how.get("only", "")
        )


def _modules(which: str) -> list[str]:
    return networks.LINEARS if which == "all" else ["self_attn.q_proj", "self_attn.v_proj"]


def make_root(zoo: Path, seed: int, roots: int, size: Size, root: int) -> int:
    """Make all models of one root; how many were not there."""
    torch.set_num_threads(1)
    plan = planned(seed, roots, size)
    keeper = Keeper(zoo, seed, size, plan)
    return sum(keeper.make(recipe.name) for _, recipe in plan if recipe.root == root)


def make_all(zoo: Path, seed: int, roots: int, size: Size, jobs: int) -> Iterator[tuple[int, int]]:
    """Make every root under a lock: two makers of one folder would tread on each other."""
    (zoo / "made").mkdir(parents=True, exist_ok=True)
    with (zoo / "made" / "lock").open("w") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError as error:
            raise BlockingIOError(f"another process is making {zoo}: wait for it, or name another folder") from error
        yield from _make_all(zoo, seed, roots, size, jobs)


def _make_all(zoo: Path, seed: int, roots: int, size: Size, jobs: int) -> Iterator[tuple[int, int]]:
    """Make every root, ``jobs`` at a time, and remove what the plan does not name; yields (root, models made) as they end."""
    known = {id for id, _ in planned(seed, roots, size)}
    for path in [p for kind in ("models", "withheld") for p in (zoo / kind).glob("m[0-9]*")]:
        if path.name not in known:
            shutil.rmtree(path)
            (zoo / "made" / f"{path.name}.json").unlink(missing_ok=True)
    if jobs == 1 or roots == 1:
        for root in range(roots):
            yield root, make_root(zoo, seed, roots, size, root)
        return
    with ProcessPoolExecutor(jobs, mp_context=get_context("spawn")) as pool:
        waiting = [pool.submit(make_root, zoo, seed, roots, size, root) for root in range(roots)]
        for root, future in enumerate(waiting):
            yield root, future.result()
