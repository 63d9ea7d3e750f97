"""This file knows which models a zoo has and how each is made, before any of them exists.

    root ─┬─ fans (other tasks) ── grandchildren ── siblings (one data set, other orders; one goes on) ── quantised
          ├─ chain of 3 or 4          ├─ casts, copies
          ├─ continued pretraining    └─ merges of 2 to 4 of all these ── fine-tuned ── fine-tuned again
          ├─ adapters, merged or not
          ├─ cut, extended, permuted, rescaled, noised, new head
          └┄ (distilled student: own first weights, no derivation)

Roots come in pairs of one architecture and data (0 and 1, 2 and 3) with other seeds; the tasks of their children are the
same too.
"""

from __future__ import annotations

from typing import Any, Literal

import msgspec

from bench.zoo import networks, tasks
from bench.zoo.truth import Relation

Size = Literal["micro", "small", "full"]


class Recipe(msgspec.Struct, frozen=True, kw_only=True):
    """How one model is made."""

    name: str
    root: int
    kind: str
    verb: str
    relation: Relation | None = None
    bases: tuple[str, ...] = ()
    weights: tuple[float, ...] = ()
    settings: dict[str, Any] = {}
    dtype: str = "bfloat16"
    layout: str = "plain"  # see checkpoints.write; or int8, gguf:TYPE, adapter, bytes


def shape_of(root: int, size: Size) -> networks.Shape:
    """The architecture of a root."""
    return networks.MICRO if size == "micro" else networks.SHAPES[root // 2 % len(networks.SHAPES)]


class Family:
    """The recipes of one root, in an order that makes parents first."""

    def __init__(self, seed: int, root: int, size: Size) -> None:
        self.seed, self.root, self.size = seed, root, size
        self.draw = tasks.generator("plan", seed, root)
        self.recipes: list[Recipe] = []
        self.steps = 12 if size == "micro" else 48
        self.group = root // 2  # shares architecture and data
        self.families = list(tasks.generator("tasks", seed, self.group).permutation(list(tasks.FAMILIES)))

    def add(self, name: str, kind: str, verb: str, *bases: str, relation: Relation | None = None, **more: Any) -> str:
        """One more recipe; its name within the zoo."""
        full = f"R{self.root}.{name}"
        fields = {field: more.pop(field) for field in ("weights", "dtype", "layout") if field in more}
        recipe = Recipe(
            name=full, root=self.root, kind=kind, verb=verb, relation=relation, bases=bases, settings=more, **fields
        )
        self.recipes.append(recipe)
        return full

    def data(self, number: int, rows: int = 256) -> dict[str, Any]:
        """The number-th data set of this group of roots: (task, rule, draw) and its rows."""
        return {
            "task": str(self.families[number % len(self.families)]),
            "rule": self.seed * 1000 + self.group * 100 + number,
            "rows": rows,
        }

    def tuned(
        self,
        name: str,
        kind: str,
        base: str,
        number: int,
        *,
        pace: float = 1.0,
        length: float = 1.0,
        rows: int = 256,
        **more: Any,
    ) -> str:
        """A fine-tune at about |delta| / |base| = .014 * pace."""
        rate = 1.3e-4 * pace * float(self.draw.lognormal(0, 0.25))
        steps = max(4, int(self.steps * length * self.draw.uniform(0.8, 1.2)))
        settings = {**self.data(number, rows), "steps": steps, "rate": round(rate, 7), **more}
        return self.add(name, kind, "finetune", base, relation="finetune", **settings)

    def siblings(self, name: str, base: str, number: int, count: int) -> list[str]:
        """One data set in other orders with the same settings; the last of three is trained half as long again."""
        settings = {
            **self.data(number, int(self.draw.choice([32, 64, 128]))),
            "rate": 1.3e-4 * float(self.draw.uniform(0.8, 2.6)),
        }
        dtype = (
            "float32" if self.draw.random() < 0.25 else "bfloat16"
        )  # without rounding, twins come closer than cosine .99
        return [
            self.add(
                f"{name}{n}",
                "longer sibling" if n == 2 else "sibling",
                "finetune",
                base,
                relation="finetune",
                steps=self.steps * 3 // 2 if n == 2 else self.steps,
                dtype=dtype,
                **settings,
            )
            for n in range(count)
        ]

    def merged(self, name: str, method: str, pool: list[str], count: int, base: str, **more: Any) -> str:
        """A merge of ``count`` models of the pool, every weight at least .2 (task arithmetic: the sum is free)."""
        parents = [str(p) for p in self.draw.choice(pool, count, replace=False)]
        shares = self.draw.dirichlet([3.0] * count) * (1 - 0.2 * count) + 0.2
        if method == "task arithmetic":
            shares = shares * self.draw.uniform(1.1, 1.5)
        weights = [round(float(w), 2) for w in shares]
        if method != "task arithmetic":
            weights[-1] = round(1 - sum(weights[:-1]), 2)
        return self.add(name, method, "merge", *parents, relation="merge", weights=tuple(weights), base=base, **more)

    def quantised(self, name: str, grid: str, base: str, dequantised: bool) -> str:
        """A quantised model, as its format or written back as bf16."""
        layout = "plain" if dequantised else "int8" if grid == "int8" else f"gguf:{grid}"
        return self.add(
            name,
            f"{grid} dequantised" if dequantised else grid,
            "quantise",
            base,
            relation="quantized",
            grid=grid,
            layout=layout,
        )

    def copied(self, base: str, layouts: list[str]) -> None:
        """Copies of one model: "bytes" is the same files, the others are the same values laid out anew."""
        for layout in layouts:
            kind = "copy" if layout == "bytes" else layout
            self.add(f"{base.split('.')[1]}-{kind}", kind, "copy", base, relation="identical", layout=layout)

    def cast(self, base: str, dtype: str, layout: str = "plain") -> str:
        """The same values in another dtype."""
        name = f"{base.split('.')[1]}-{dtype if layout == 'plain' else 'gguf16'}"
        return self.add(name, f"cast to {dtype}", "store", base, relation="recast", dtype=dtype, layout=layout)

    def pretrained(self) -> str:
        """The root itself."""
        dtype = "float16" if self.root % 4 == 3 else "bfloat16"
        steps = 40 if self.size == "micro" else 400
        return self.add(
            "root", "root", "pretrain", dtype=dtype, rule=self.seed * 100 + self.group, steps=steps, rate=3e-3
        )

    def student(self, root: str) -> str:
        """A distilled student."""
        return self.add(
            "student",
            "distilled",
            "distil",
            root,
            rule=self.seed * 100 + self.group,
            steps=20 if self.size == "micro" else 300,
            rate=3e-3,
        )

    def lora(self, name: str, base: str, number: int, rank: int, modules: str, merged: bool) -> str:
        """A low-rank adapter, merged into its base or left beside it."""
        settings = {
            **self.data(number),
            "steps": self.steps,
            "rate": 4.5e-3 * (2 / rank) ** 0.5,
            "rank": rank,
            "modules": modules,
            "merged": merged,
        }
        if merged:
            return self.add(name, "merged adapter", "adapt", base, relation="finetune", **settings)
        return self.add(
            name, "adapter", "adapt", base, relation="adapter", layout="adapter", dtype="float32", **settings
        )

    def micro(self) -> None:
        """Eleven models in seconds, for tests."""
        root = self.pretrained()
        one, two = self.tuned("fan0", "fan", root, 0), self.tuned("fan1", "fan", root, 1)
        self.tuned("chain0", "chain", one, 2)
        self.lora("adapter", root, 3, 4, "attention", merged=False)
        self.merged("linear", "linear", [one, two], 2, root)
        self.quantised("q8", "Q8_0", one, dequantised=False)
        self.quantised("i8", "int8", two, dequantised=True)
        self.copied(one, ["bytes"])
        self.cast(two, "float32")
        self.student(root)

    def small(self) -> None:
        """32 models: one or two of most kinds, drawn so that pairs of roots cover them all."""
        full = self.size == "full"
        even = self.root % 2 == 0
        root = self.pretrained()
        fans = [self.tuned(f"fan{n}", "fan", root, n) for n in range(4 if full else 3)]
        self.recipes[-1] = msgspec.structs.replace(self.recipes[-1], dtype="float32")
        chain = [root]
        for n in range(4 if full and even else 3):
            chain.append(self.tuned(f"chain{n}", "chain", chain[-1], 4 + n))
        grand = self.tuned("grand0", "grandchild", fans[0], 7)
        sibs = self.siblings("sib", root if even else fans[1], 8, 3)
        self.tuned("again", "goes on", sibs[0], 8, rows=self.recipes[-1].settings["rows"])
        cpt = self.add(
            "cpt",
            "continued pretraining",
            "pretrain",
            root,
            relation="finetune",
            rule=self.seed * 100 + 50 + self.group,
            steps=2 * self.steps,
            rate=7e-4,
        )
        loras = [self.lora("lora2", root, 9, 2, "attention", merged=True)]
        self.lora("adapter", fans[0], 10, 4, "attention", merged=False)
        self.student(root)
        pool = [*fans, chain[-1], grand, sibs[0], loras[0]]
        merges = [
            self.merged("linear2", "linear", pool, 2, root),
            self.merged("ties3", "ties", pool, 3, root, density=0.5),
        ]
        if full or even:
            merges.append(self.merged("slerp", "slerp", pool, 2, root))
        if full or not even:
            merges.append(self.merged("task2", "task arithmetic", pool, 2, root))
        merges.append(self.merged("dare2", "dare", pool, 2, root, density=0.5))
        self.tuned("child-of-merge", "child of merge", merges[0], 3)
        self.quantised("sib0-q8", "Q8_0", sibs[0], dequantised=not even)
        self.quantised("sib1-i8", "int8", sibs[1], dequantised=even)
        self.quantised("sib2-q4", "Q4_0", sibs[2], dequantised=not even)
        self.cast(fans[-1], "bfloat16")
        self.copied(fans[1], ["bytes", "renamed" if even else "anonymous", "resharded" if even else "transposed"])
        ffn = shape_of(self.root, self.size).ffn
        self.add("dropped", "neurons dropped", "drop neurons", root, relation="pruned", kept=ffn * 3 // 4)
        self.add(
            "extended",
            "vocabulary extended",
            "extend vocabulary",
            fans[0],
            relation="expanded",
            added=16,
            **self.healing(10),
        )
        self.add("permuted", "neurons permuted", "permute neurons", fans[1], relation="permuted")
        self.add("head", "new head", "new head", root, relation="finetune", **self.healing(11), only="lm_head")
        if full:
            self.more(root, fans, chain, sibs, merges, pool, cpt)

    def healing(self, number: int) -> dict[str, Any]:
        """A short fine-tune after surgery."""
        return {**self.data(number), "steps": self.steps // 2, "rate": 1.3e-4}

    def more(
        self,
        root: str,
        fans: list[str],
        chain: list[str],
        sibs: list[str],
        merges: list[str],
        pool: list[str],
        cpt: str,
    ) -> None:
        """What a full family has besides."""
        even = self.root % 2 == 0
        self.tuned("grand1", "grandchild", fans[1], 12)
        self.tuned("grand2", "grandchild", self.tuned("grand3", "grandchild", chain[2], 13), 14)
        self.tuned("child-of-cpt", "child of continued", cpt, 15)
        twins = self.siblings("twin", fans[1] if even else root, 16, 3)
        pool = [
            *pool,
            cpt,
            twins[1],
            self.lora("lora8", root, 17, 8, "attention", merged=True),
            self.lora("lora16", fans[2], 18, 16, "all", merged=True),
        ]
        self.add(
            "lora2-child",
            "fine-tuned adapter",
            "finetune",
            f"R{self.root}.lora2",
            relation="finetune",
            **self.healing(19),
        )
        self.merged("linear4", "linear", pool, 4, root)
        self.merged("linear3", "linear", pool, 3, root)
        self.merged("ties2", "ties", pool, 2, root, density=0.3)
        self.merged("dare3", "dare", pool, 3, root, density=0.4)
        child = self.tuned("child-of-ties", "child of merge", merges[1], 20)
        self.tuned("grandchild-of-ties", "grandchild of merge", child, 21)
        for n, grid in enumerate(("int8", "Q8_0", "Q4_0")):
            for m in range(2):
                source = (sibs if even else twins)[(n + m + 1) % 3] if m else twins[n] if even else sibs[n]
                self.quantised(f"q{n}{m}", grid, source, dequantised=bool((n + m + even) % 2))
        self.quantised("merge-q4", "Q4_0", merges[0], dequantised=not even)
        self.quantised("root-q8", "Q8_0", root, dequantised=even)
        self.cast(fans[0], "float16" if even else "float32")
        self.cast(fans[2], "float16", "gguf:F16")
        self.cast(fans[3], "float16")
        self.copied(fans[0], ["stripped", "anonymous" if even else "renamed", "transposed" if even else "resharded"])
        ffn = shape_of(self.root, self.size).ffn
        self.add(
            "healed",
            "neurons dropped, healed",
            "drop neurons",
            fans[2],
            relation="pruned",
            kept=ffn * 3 // 4,
            **self.healing(22),
        )
        self.add("sparse", "sparsified", "sparsify", fans[1], relation="pruned", share=0.4)
        layers = shape_of(self.root, self.size).layers
        self.add("sliced", "layer slice", "drop layer", root, relation="pruned", dropped=layers - 2)
        self.add("rescaled", "rescaled", "rescale", fans[0], relation="permuted")
        self.add(
            "noised", "noised", "noise", fans[2], relation="finetune", relative=float(self.draw.choice([0.005, 0.01]))
        )


def planned(seed: int, roots: int, size: Size) -> list[tuple[str, Recipe]]:
    """Every model's id and recipe, parents first; ids are shuffled so that they tell nothing."""
    recipes: list[Recipe] = []
    for root in range(roots):
        family = Family(seed, root, size)
        if size == "micro":
            family.micro()
        else:
            family.small()
        recipes += family.recipes
    numbers = tasks.generator("ids", seed).permutation(len(recipes)) + 1
    return [(f"m{number:04d}", recipe) for number, recipe in zip(numbers, recipes, strict=True)]
