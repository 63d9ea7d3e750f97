"""This file knows how the origin of a model is found among its elders: exact facts first, then grids, shapes, merges, ranks, noise.

Models are taken in upload order: a base model is older in 99.7 % of documented derivations. Each step is a file of its own with
its formula. What cannot be decided is a set of candidates with probabilities, never a forced answer; no relative, no derivation.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import replace
from functools import cache

import numpy as np

from graph.records import Relation
from ingest.weights.by_matrix import by_matrix
from ingest.weights.checkpoint import Values
from ingest.weights.component import Resemblance, resemblance
from ingest.weights.direction import Declared, directed
from ingest.weights.elements import chosen_by_element
from ingest.weights.exact import same_content
from ingest.weights.family import FAR, SAME_FAMILY, WHOLE, kept, likeness, relative, squared
from ingest.weights.grid import IN_ROWS, agreement, grid_of, within_steps
from ingest.weights.inherited import Candidate, Descent, descent, shared_directions
from ingest.weights.low_rank import is_noise, rank
from ingest.weights.matched import likelihoods, probabilities
from ingest.weights.member import Member
from ingest.weights.order import Chronicle, chronicle
from ingest.weights.parent import Mixing, Origin, Parent
from ingest.weights.same_windows import PROBABILITY, same_in_windows
from ingest.weights.space import is_layer
from ingest.weights.span import Mixture, span
from ingest.weights.stacked import Stack, stacked
from ingest.weights.structure import Laid, head_changed, laid, rescaled
from ingest.weights.trunk import cut, trunk

_NEAREST = 10  # candidates whose grid is tried
_MOST_RELATIVES = 64  # nearest relatives that are looked at
_SPARSE = 0.05
_LAID_NEAR = 0.5
_NEARLY = 0.9  # of the best agreement: candidates that stay in question
_HELD = 0.5  # of one model's weights: what another must have of them to be its source, where shapes differ
_OFF = 0.5  # agreement below which another grid is tried
_CLEARER = 4.0  # there: how much more the second must leave of 1 than the first
_WITHIN = 0.99  # of rows of even levels, that lie within half a step of their source
_MOST_ALIKE = 5
_AS_NEAR = 1.1  # of the least distance: models that another may equally go on from
_AHEAD = 0.06  # of growth: what a model may go on from
_ALIKE = 0.15  # of growth and distance: twins
_MORE, _CLEARLY = 0.04, 3.5  # of slopes, and deviations: whose noise a model has of theirs
_SMALL = 16_000  # weights below which siblings cannot be told from parents
_FEW, _OF_FEW = 3_000, 0.75  # below which nothing is sure, and how often it was right on zoos 71 and 97 with 1,024
# How often such an answer was right on generated families (bench/zoo); the same models with other seeds were held out.
_SURE, _FLAT, _MERGE, _BEND, _EITHER, _NEAREST_ONLY = 0.99, 0.97, 0.95, 0.85, 0.6, 0.5

Seen = tuple[Member, Descent]  # an elder, and whether a model continues it


class Origins:
    """The origins of models, one after the other, the oldest first. ``near``: the elders that a model is compared with, by
    name, where all would be too many.
    """

    def __init__(
        self, near: Callable[[str], Iterable[str]] | None = None, merges: Mapping[str, Mixture] | None = None
    ) -> None:
        self._near = near
        self._merges = merges or {}  # that are known already
        self._place: dict[str, int] = {}  # in ``_members``
        self._found: dict[str, Origin] = {}
        self._members: list[Member] = []
        self._floats: list[Member] = []
        self._candidates: dict[str, Candidate] = {}
        self._sources: dict[str, Member] = {}  # of quantised models
        self._family: tuple[str, list[Member]] = ("", [])  # of the model at hand

    def add(self, model: Member) -> Origin:
        """Find the origin of the next model, and know it from then on."""
        whole = self._members, self._floats
        if self._near is not None:
            places = sorted(self._place[id] for id in self._near(model.id) if id in self._place)
            self._members = [whole[0][at] for at in places]
            self._floats = [elder for elder in self._members if elder.id in self._candidates]
        try:
            found = _with_doubt(model, self._origin(model))
        finally:
            self._members, self._floats = whole
        self.know(model, found)
        return found

    def know(self, model: Member, found: Origin) -> None:
        """Take in a model whose origin was found before."""
        self._found[model.id] = found
        self._place[model.id] = len(self._members)
        self._members.append(model)
        if found.parents and found.parents[0].relation is Relation.QUANTIZED:
            place = self._place.get(found.parents[0].base_model)
            if place is not None:
                self._sources[model.id] = self._members[place]
        if not found.is_leaf:
            self._floats.append(model)
            shares = [parent.weight if parent.weight is not None else 1.0 for parent in found.parents]
            whole = sum(shares) or 1.0
            parents = [
                (self._candidates[parent.base_model].member, share / whole)
                for parent, share in zip(found.parents, shares, strict=True)
                if parent.base_model in self._candidates
            ]
            same = [pair for pair in parents if pair[0].shapes == model.shapes]
            lines = [self._candidates[parent.id] for parent, _ in same]
            self._candidates[model.id] = Candidate(model, same, lines)

    def _origin(self, model: Member) -> Origin:
        return (
            self._same(model)
            or self._same_in_part(model)
            or self._quantised(model)
            or self._reshaped(model)
            or self._part(model)
            or self._merged(model)
            or self._adapted(model)
            or self._under_another_head(model)
            or self._continued(model)
            or Origin(model.id, alike=self._alike(model))
        )

    def _relatives(self, model: Member) -> list[Member]:
        """Elders of the family, the oldest first; the nearest when they are many."""
        if self._family[0] != model.id:
            self._family = model.id, self._all_relatives(model)
        return self._family[1]

    def _all_relatives(self, model: Member) -> list[Member]:
        family = [elder for elder in self._floats if likeness(model, elder) > SAME_FAMILY]
        if len(family) <= _MOST_RELATIVES:
            return family
        near = sorted(family, key=lambda elder: squared(model, elder))[:_MOST_RELATIVES]
        return [elder for elder in family if elder in near]

    def _same(self, model: Member) -> Origin | None:
        """A copy or a cast."""
        for elder in self._members:
            said = same_content(model.identity, elder.identity)
            if said is not None:
                relation = Relation(said)
                source = self._sources.get(elder.id)
                if (
                    relation is Relation.RECAST and source is not None
                ):  # given back from a grid: made from what was put on it
                    what = f"the same values as {elder.id}, which holds it as {elder.dtype}"
                    return self._one(model, source, Relation.QUANTIZED, 1.0, what, is_leaf=True)
                what = "the same tensors" if relation is Relation.IDENTICAL else f"the same values as {model.dtype}"
                return self._one(model, elder, relation, 1.0, what, is_leaf=True)
        for elder in self._floats:
            missing = _left_out(model, elder)
            if missing is not None:
                relation = Relation.IDENTICAL if model.dtype == elder.dtype else Relation.RECAST
                what = f"the same tensors, without {', '.join(missing) or 'constants'}"
                return self._one(model, elder, relation, 1.0, what, is_leaf=True)
        return None

    def _same_in_part(self, model: Member) -> Origin | None:
        """A copy or a cast, as far as it was read."""
        for elder in self._members:
            if same_in_windows(model, elder):
                relation = Relation.IDENTICAL if model.dtype == elder.dtype else Relation.RECAST
                what = f"the same in all {model.flat.size} weights that were read of both"
                return self._one(model, elder, relation, PROBABILITY, what, is_leaf=True)
        return None

    def _quantised(self, model: Member) -> Origin | None:
        kind = grid_of(model)
        if kind is None:
            return None
        near = _in_all(sorted(self._put_on_grids(model), key=lambda pair: relative(*pair)))
        in_rows = kind == IN_ROWS
        scored = _within(near) if in_rows else _ranked([agreement(*pair, kind) for pair in near], near)
        if not scored:
            return Origin(model.id, is_leaf=not model.is_float)
        share, source = scored[0]
        in_blocks = not model.is_float and kind != "int8"
        if share < 0 or (in_blocks and share < _OFF):  # there its steps were chosen otherwise than they are here
            return self._most_likely(model, near, kind)
        if model.is_float and share < _OFF:  # given back from a grid: its source would have more in common with it
            return Origin(model.id, is_leaf=True)
        second = scored[1][0] if len(scored) > 1 else 0.0
        is_sure = share > _NEARLY or (share > _OFF and share > 1.05 * second)
        what = f"on the {kind} grid of it: {share:.3f} of the weights"
        if in_rows or (not model.is_float and share < _OFF):
            scored = scored if in_rows else _within(near)
            share, source = scored[0]
            second = scored[1][0] if len(scored) > 1 else 0.0
            is_sure = share > (_WITHIN if in_rows else _NEARLY) and 1 - second > _CLEARER * (1 - share)
            what = f"within half a step of it: {share:.3f} of the weights"
        probability = _SURE if is_sure else _NEAREST_ONLY
        return self._one(model, source, Relation.QUANTIZED, probability, what, is_leaf=not model.is_float)

    def _put_on_grids(self, model: Member) -> list[tuple[Member, Member]]:
        """(model, elder), each with the matrices that both have, for all that a model may be the quantised form of: its relatives,
        those of other shapes, and those that lie in another order or are scaled otherwise. Not what was given back from a grid
        itself, unless there is nothing else.
        """
        relatives = self._relatives(model)
        others = [
            elder
            for elder in self._members
            if (elder.shapes != model.shapes and elder.id in self._candidates) or self._is_laid_otherwise(elder)
        ]
        pairs = [*((model, elder) for elder in relatives), *self._in_common(model, others)]
        first = [(ours, elder) for ours, elder in pairs if elder.id not in self._sources]
        return first or pairs

    def _is_laid_otherwise(self, elder: Member) -> bool:
        """Whether an elder does what another does, with other weights: no base of fine-tunes here, but something to quantise."""
        parents = self._found[elder.id].parents
        return (
            elder.is_float
            and elder.id not in self._candidates
            and bool(parents)
            and parents[0].relation is Relation.PERMUTED
        )

    def _most_likely(self, model: Member, near: Sequence[tuple[Member, Member]], kind: str) -> Origin:
        """The source of a model on a grid that cannot be written here, told from its siblings by the format's noise."""
        logs = likelihoods(near)
        shares, order = probabilities(logs), np.argsort(-logs, kind="stable")
        source = near[order[0]][1]
        probability = float(min(_SURE, shares[order[0]]))
        what = f"nearest in {kind}: {relative(*near[order[0]]):.4f} apart"
        if len(near) > 1:
            second = order[1]
            what += f", log-odds {-logs[second]:+.1f} over {near[second][1].id}"
        found = self._one(model, source, Relation.QUANTIZED, probability, what, is_leaf=not model.is_float)
        if probability >= _FLAT:
            return found
        return replace(found, candidates=tuple((near[at][1].id, float(shares[at])) for at in order[:5]))

    @staticmethod
    def _in_common(model: Member, elders: Iterable[Member]) -> list[tuple[Member, Member]]:
        """(model, elder), each with the matrices that both have, for elders of the family that have most of them."""
        pairs: list[tuple[Member, Member]] = []
        for elder in elders:
            roles = [role for role, values in model.matrices.items() if _has(elder, role, values)]
            if _holds_most(model, roles):
                pair = cut(model, roles), cut(elder, roles)
                if likeness(*pair) > SAME_FAMILY:
                    pairs.append(pair)
        return pairs

    def _alike(self, model: Member) -> tuple[Resemblance, ...]:
        """The elders that resemble a model in part, the most alike first."""
        found = [said for elder in self._floats if (said := resemblance(model, elder)) is not None]
        return tuple(sorted(found, key=lambda said: (-said.components[0][1], said.other))[:_MOST_ALIKE])

    def _reshaped(self, model: Member) -> Origin | None:
        """Other shapes, another order of neurons, scaled rows, fewer layers."""
        stack = stacked(model, self._floats)
        if stack is not None:
            return self._stack(model, stack)
        family = self._relatives(model)
        nearest = min((relative(model, elder, without="head") for elder in family), default=float("inf"))
        if nearest > 0.05:
            source = rescaled(model, family)
            if source is not None:
                return self._one(model, source, Relation.PERMUTED, _MERGE, "rows and columns scaled", is_leaf=True)
        cut = any(
            self._found[elder.id].parents
            and self._found[elder.id].parents[0].relation is Relation.PRUNED
            and not self._candidates[elder.id].parents
            for elder in family
        )
        if nearest <= FAR:
            merged = self._merged(model) if cut else None  # which may lie nearer to what its parents were cut from
            if merged is not None or not cut:
                return merged
        others = [elder for elder in self._floats if nearest > FAR or elder.shapes != model.shapes]
        tried = [(laid(model, elder), elder) for elder in others]
        fits: list[tuple[Laid, Member]] = [(fit, elder) for fit, elder in tried if fit is not None]
        if not fits:
            return None
        best, source = min(fits, key=lambda pair: pair[0].distance)
        if best.distance >= min(_LAID_NEAR, _NEARLY * nearest):
            return None
        relation = Relation(best.relation)
        if relation is not Relation.PERMUTED:
            same = [pair for pair in fits if pair[0].relation == best.relation and pair[0].distance < _LAID_NEAR]
            best, source = self._continued_by(model, same) or (best, source)
        what = f"{best.detail}; relative distance {best.distance:.4f} once laid onto it"
        return self._one(model, source, relation, _MERGE, what, is_leaf=relation is Relation.PERMUTED)

    def _continued_by(self, model: Member, fits: Sequence[tuple[Laid, Member]]) -> tuple[Laid, Member] | None:
        """Of elders laid onto a model the one that it continues; None where the weights do not say."""
        if len(fits) < 2:
            return None
        rows: dict[str, int] = {}  # that can be compared with all of them
        for role in sorted(set(model.matrices).intersection(*(fit.matrices for fit, _ in fits))):
            values = [model.matrices[role], *(fit.matrices[role] for fit, _ in fits)]
            if len({each.shape[1] for each in values}) == 1:
                rows[role] = min(map(len, values))

        def shown(member: Member, matrices: Mapping[str, Values]) -> Member:
            """Of the model's shapes."""
            held = {role: matrices[role][:count] for role, count in rows.items()}
            return replace(member, matrices=held, described=model.tensors)

        view = Origins()
        for fit, elder in fits:
            view.know(shown(elder, fit.matrices), self._found[elder.id])
        found = view._continued(shown(model, model.matrices)) if rows else None
        if found is None or found.parents[0].probability <= _EITHER:
            return None
        return next(pair for pair in fits if pair[1].id == found.parents[0].base_model)

    def _stack(self, model: Member, stack: Stack) -> Origin:
        """A model made of others' layers."""
        first, _ = stack.parents[0]
        if len(stack.parents) == 1:
            relation = Relation.PRUNED if stack.fewer else Relation.EXPANDED
            return self._one(model, first, relation, _SURE, stack.detail)
        parents = tuple(
            Parent(model.id, parent.id, Relation.MERGE, _SURE, stack.detail, taken / stack.layers, None)
            for parent, taken in stack.parents
        )
        return Origin(model.id, parents)

    def _under_another_head(self, model: Member) -> Origin | None:
        """What only trunks can tell: models with other heads, words or positions are taken with those of the same shapes, as far
        as all have one shape.
        """
        elders = {elder.id: shared for elder in self._floats if (shared := self._trunk(model, elder))}
        if not elders:
            return None
        roles = sorted(frozenset.intersection(*elders.values()))
        ours, same = cut(model, roles), self._relatives(model)
        held = {elder.id: cut(elder, roles) for elder in self._floats if elder.id in elders or elder in same}
        rest = model.matrices.keys() - set(roles)
        close = [elder for elder in same if likeness(cut(model, rest), cut(elder, rest)) > SAME_FAMILY]
        view, twins = Origins(), dict[str, str]()
        for elder in self._floats:
            if elder.id not in held:
                continue
            theirs = held[elder.id]
            if elder.id in elders:
                if np.array_equal(ours.flat, theirs.held_as(ours.dtype).flat):
                    return self._one(model, elder, Relation.FINETUNE, _SURE, "a new head on an untouched trunk")
                like = [other.id for other in close if np.array_equal(held[other.id].flat, theirs.flat)]
                twins[elder.id] = like[0] if like else elder.id
            view.know(theirs, self._found[elder.id])
        found = view._merged(ours) or view._adapted(ours) or view._continued(ours)
        return found and replace(  # of two with one trunk it was made from the one that it is like in the rest too
            found,
            parents=tuple(
                replace(parent, base_model=twins.get(parent.base_model, parent.base_model)) for parent in found.parents
            ),
            candidates=tuple((twins.get(id, id), share) for id, share in found.candidates),
        )

    def _trunk(self, model: Member, elder: Member) -> frozenset[str]:
        """What a model shares with an elder of other shapes, where it is of one family with it."""
        roles = trunk(model, elder)
        return roles if roles and likeness(cut(model, roles), cut(elder, roles)) > SAME_FAMILY else frozenset()

    def _part(self, model: Member) -> Origin | None:
        """A trunk left untouched under another head, or weights set to zero."""
        family = self._relatives(model)
        # Of windows: what it changed may lie beyond them.
        is_seen = not any(np.array_equal(model.flat, elder.flat) for elder in family)
        for elder in family if is_seen else []:
            if head_changed(model, elder.held_as(model.dtype)):
                return self._one(model, elder, Relation.FINETUNE, _SURE, "a new head on an untouched trunk")
        zeros = float((model.flat == 0).mean()) if len(model.flat) else 0.0
        if zeros > _SPARSE and family and not any(_zeros_kept(model, elder) for elder in family):
            there = model.flat != 0
            source = min(family, key=lambda elder: squared(model, elder, there))
            what = f"{zeros:.0%} of the weights set to zero"
            return self._one(model, source, Relation.PRUNED, _MERGE, what)
        return None

    def _merged(self, model: Member) -> Origin | None:
        family = self._relatives(model)
        if len(family) < 2:
            return None
        mixture = self._merges.get(model.id)
        if mixture is None or not all(parent in family for parent, _, _ in mixture.parents):
            mixture = self._mixture(model, family)
        if mixture is None:
            return None
        detail = f"{mixture.method} merge, {mixture.detail}"
        parents = tuple(
            Parent(
                model.id,
                parent.id,
                Relation.MERGE,
                _MERGE,
                detail,
                weight,
                None if np.isnan(error) else error,
            )
            for parent, weight, error in mixture.parents
        )
        return Origin(model.id, parents, mixing=Mixing(mixture.method, mixture.base.id, mixture.scales))

    def _mixture(self, model: Member, family: Sequence[Member]) -> Mixture | None:
        fit = span(model, family)
        if fit.mixture is not None:
            return fit.mixture
        heavy = [family[at] for at in fit.heaviest[:4]]
        bases = {family[0].id: family[0]}
        bases |= {base.id: base for elder in heavy for base, _ in self._candidates[elder.id].parents}
        found = chosen_by_element(model, family, fit.heaviest, list(bases.values()))
        return found or by_matrix(model, family, fit.heaviest)

    def _adapted(self, model: Member) -> Origin | None:
        """A merged adapter: some matrices untouched, the others changed in few directions."""
        touching = self._untouched(model, self._relatives(model))
        if not touching:
            return None
        ranked = sorted(
            ((rank(model, elder.held_as(model.dtype)), elder) for elder in touching), key=lambda pair: pair[0].total
        )
        change, base = ranked[0]
        if not change.is_low:
            return None
        what = f"merged adapter of rank {change.median:g} on {change.touched} matrices"
        return self._one(model, base, Relation.FINETUNE, _MERGE, what)

    @staticmethod
    def _untouched(model: Member, family: Sequence[Member]) -> list[Member]:
        """The relatives that share most untouched matrices; none when nobody shares one."""
        held = {elder.id: elder.held_as(model.dtype).matrices for elder in family}
        shared = {
            id: sum(np.array_equal(values, theirs[role]) for role, values in model.matrices.items())
            for id, theirs in held.items()
        }
        most = max(shared.values(), default=0)
        return [elder for elder in family if most and shared[elder.id] == most]

    def _continued(self, model: Member) -> Origin | None:
        """A fine-tune, by the noise that it inherited."""
        family = [elder for elder in self._relatives(model) if not _is_apart(model, elder)]
        if not family:
            return None
        near = sorted(self._untouched(model, family) or family, key=lambda elder: squared(model, elder))
        if len(model.flat) < _SMALL:
            return self._uncertain(model, near, "too few weights to tell a parent from a sibling")

        @cache
        def shared() -> Mapping[str, Values]:
            if not model.windowed:
                return {}
            relatives = sorted(self._relatives(model), key=lambda elder: squared(model, elder))
            return shared_directions(self._candidates[elder.id] for elder in relatives)

        looked: list[Seen] = []
        for elder in near:
            seen = descent(model, self._candidates[elder.id], self._siblings(elder), shared)
            if seen.accepted and seen.kind != "goes on":
                return self._settled(model, (elder, seen), looked)
            looked.append((elder, seen))
        return self._uncertain(model, near, "no relative whose noise it inherits: the nearest")

    def _accepted(self, model: Member, base: Member, seen: Descent) -> Origin:
        if is_noise(model, base):
            kind = "only noise was added"
        elif seen.kind == "root":
            kind = "the root of its family: it continues no relative between them"
        else:
            kind = f"inherits its noise: {seen}"
        return self._one(model, base, Relation.FINETUNE, _FLAT if seen.kind in ("root", "flat") else _BEND, kind)

    def _settled(self, model: Member, first: Seen, nearer: Sequence[Seen]) -> Origin:
        """The first relative that it continues, unless it goes on from where a nearer one stopped."""
        onward = [
            (*each, self._goes_on(each, nearer)) for each in nearer if each[1].errors and each[1].growth > 1 + _AHEAD
        ]
        onward = [each for each in onward if each[2] is not False]
        if not onward:
            return self._accepted(model, *first)
        reach = _AS_NEAR * onward[0][1].distance
        alike = [each for each in onward if self._are_siblings(each[0], onward[0][0]) and each[1].distance < reach]
        further, how, sure = max(alike, key=lambda each: -each[1].lost)
        found = self._accepted(model, further, how)
        if sure:
            return found
        base = next((elder for elder, _, goes_on in onward if goes_on and elder is not further), first[0])
        likely = (further.id, _EITHER), (base.id, 1 - _EITHER)
        return replace(found, candidates=likely, parents=(replace(found.parents[0], probability=_EITHER),))

    def _goes_on(self, one: Seen, others: Sequence[Seen]) -> bool | None:
        """Whether a model continues one that it may go on from, and not others like that one: it has more of its noise than of
        theirs. None when nobody is like it, or noise is hard to see, and it may be a sibling that was trained for longer.
        """
        elder, seen = one
        if seen.accepted:
            return True
        twins = [
            other
            for twin, other in others
            if twin is not elder
            and self._are_siblings(twin, elder)
            and abs(other.growth / seen.growth - 1) < _ALIKE
            and abs(other.distance / seen.distance - 1) < _ALIKE
        ]
        more = [seen.more_than(twin) for twin in twins]
        if more and all(by > max(_MORE, _CLEARLY * error) for by, error in more):
            return True
        error = _CLEARLY * np.sqrt(2) * seen.errors[-1] / seen.growth
        if seen.kind != "goes on" or (twins and seen.lost > error):
            return False
        return None

    def _are_siblings(self, one: Member, other: Member) -> bool:
        """Whether both were made from the same single model."""
        ours, theirs = self._candidates[one.id].parents, self._candidates[other.id].parents
        return len(ours) == len(theirs) == 1 and ours[0][0] is theirs[0][0]

    def _uncertain(self, model: Member, near: Sequence[Member], why: str) -> Origin:
        """The nearest relative, as one of several."""
        distances = np.maximum(
            [squared(model, elder) for elder in near[:5]], 1e-30
        )  # 0 where all that is held is equal
        share = distances.min() / distances
        shares = share / share.sum()
        found = self._one(model, near[0], Relation.FINETUNE, float(min(_NEAREST_ONLY, shares[0] + 0.2)), why)
        chances = tuple((elder.id, float(value)) for elder, value in zip(near[:5], shares, strict=True))
        return replace(found, candidates=chances)

    def _siblings(self, member: Member) -> Iterator[Member]:
        """Elders by the same single parent."""
        parents = self._candidates[member.id].parents
        if len(parents) == 1:
            for other in self._floats:
                if other is not member and self._are_siblings(member, other):
                    yield other

    @staticmethod
    def _one(
        model: Member, base: Member, relation: Relation, probability: float, detail: str, *, is_leaf: bool = False
    ) -> Origin:
        return Origin(model.id, (Parent(model.id, base.id, relation, probability, detail),), is_leaf=is_leaf)


def _with_doubt(model: Member, found: Origin) -> Origin:
    """An origin, less sure where only a few weights are held, and exact facts did not decide."""
    if not model.windowed or model.flat.size >= _FEW:
        return found
    parents = tuple(
        replace(parent, probability=_OF_FEW, detail=f"{parent.detail}; uncertain, of {model.flat.size} weights")
        if _OF_FEW < parent.probability < 1
        else parent
        for parent in found.parents
    )
    return replace(found, parents=parents)


def _is_apart(model: Member, elder: Member) -> bool:
    """Whether a relative is no base, but started where the model did."""
    return relative(model, elder, without="head") > FAR and kept(model, elder) < WHOLE


def _zeros_kept(model: Member, elder: Member) -> bool:
    """Whether the zeros of a model are an elder's."""
    zero = model.flat == 0
    return float((elder.flat[zero] == 0).mean()) > _NEARLY


def _has(member: Member, role: str, values: Values) -> bool:
    return role in member.matrices and member.matrices[role].shape == values.shape


def _ranked(scores: Iterable[float], pairs: Sequence[tuple[Member, Member]]) -> list[tuple[float, Member]]:
    """(score, elder), the highest first."""
    return sorted(zip(scores, (elder for _, elder in pairs), strict=True), key=lambda scored: -scored[0])


def _within(pairs: Sequence[tuple[Member, Member]]) -> list[tuple[float, Member]]:
    """(share of weights within half a step, elder), the highest first."""
    return _ranked(within_steps(pairs[0][0], [elder for _, elder in pairs]), pairs) if pairs else []


def _in_all(pairs: Sequence[tuple[Member, Member]]) -> list[tuple[Member, Member]]:
    """Of (model, elder), the nearest first, some of the nearest, with the matrices that all of these have: most of the model's."""
    found: list[tuple[Member, Member]] = []
    for ours, elder in pairs:
        roles = [role for role in ours.matrices if not found or role in found[0][0].matrices]
        if not found or sum(ours.matrices[role].size for role in roles) > _HELD * len(found[0][0].flat):
            found = [(cut(one, roles), cut(other, roles)) for one, other in [*found, (ours, elder)]]
        if len(found) == _NEAREST:
            break
    return found


def _holds_most(model: Member, roles: Iterable[str]) -> bool:
    """Whether these matrices are most of a model."""
    return sum(model.matrices[role].size for role in roles) > _HELD * len(model.flat)


_FORM = {"BF16": "bf16", "F16": "fp16"}  # of digests, that tells of a cast


def _left_out(model: Member, elder: Member) -> list[str] | None:
    """What a model lacks of an elder whose tensors it has otherwise, as exports leave out a pooler; None when they differ, or when
    it lacks a layer, or most of the weights. What an elder ties a model may hold twice, but no layer.
    """
    form = "value" if model.dtype == elder.dtype else _FORM.get(model.dtype, "value")
    ours, theirs = (
        Counter(getattr(digest, form) for digest in one.digests if not digest.trivial) for one in (model, elder)
    )
    twice = ours - theirs
    if not ours or not twice.keys() <= theirs.keys():
        return None
    if any(is_layer(digest.role) for digest in model.digests if getattr(digest, form) in twice):
        return None  # a layer that is there twice is no copy
    whole = sum(digest.count for digest in elder.digests if not digest.trivial)
    lacking = [digest for digest in elder.digests if not digest.trivial and getattr(digest, form) not in ours]
    if sum(digest.count for digest in lacking) >= (1 - _HELD) * whole or len(model.stack["value"]) != len(
        elder.stack["value"]
    ):
        return None
    missing = sorted(digest.role for digest in lacking)
    return None if any(map(is_layer, missing)) else missing


def origins(
    models: Iterable[Member] | Chronicle,
    near: Callable[[str], Iterable[str]] | None = None,
    declared: Declared | None = None,
) -> Iterator[Origin]:
    """The origins of models, in the order in which they can have been made; ``near`` as of ``Origins``, of that order.

    ``declared``: what models name as their bases.
    """
    told = models if isinstance(models, Chronicle) else chronicle(models)
    known = Origins(near, told.merges)
    found = [known.add(model) for model in told.order]
    yield from directed(found, {model.id: model.created_at for model in told.order}, declared)
