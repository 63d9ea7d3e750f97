"""This file knows how the origin of a model is found among its elders: exact facts first, then grids, shapes, merges, ranks, noise.

Models are taken in upload order: a base model is older in 99.7 % of documented derivations. Each step is a file of its own with
its formula. What cannot be decided is a set of candidates with probabilities, never a forced answer; no relative, no derivation.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import replace

import numpy as np

from graph.records import Relation
from ingest.weights.by_matrix import by_matrix
from ingest.weights.checkpoint import Values
from ingest.weights.component import Resemblance, resemblance
from ingest.weights.continued import Elders, continued, untouched
from ingest.weights.direction import Declared, directed
from ingest.weights.elements import chosen_by_element
from ingest.weights.exact import same_content
from ingest.weights.export import left_out
from ingest.weights.family import FAR, SAME_FAMILY, likeness, relative, squared
from ingest.weights.grid import grid_of
from ingest.weights.inherited import Candidate
from ingest.weights.low_rank import rank
from ingest.weights.member import Member
from ingest.weights.on_grid import put_on_grid
from ingest.weights.order import Chronicle, chronicle
from ingest.weights.parent import EITHER, MERGE, SURE, Mixing, Origin, Parent, one_parent
from ingest.weights.same_windows import PROBABILITY, same_in_windows
from ingest.weights.span import Mixture, span
from ingest.weights.stacked import Stack, stacked
from ingest.weights.structure import Laid, head_changed, laid, rescaled
from ingest.weights.trunk import cut, trunk

_MOST_RELATIVES = 64  # nearest relatives that are looked at
_SPARSE = 0.05
_LAID_NEAR = 0.5
_NEARLY = 0.9  # of the best agreement: candidates that stay in question
_HELD = 0.5  # of a model's weights: what an elder of other shapes must have of them to be looked at
_MOST_ALIKE = 5
_FEW, _OF_FEW = 3_000, 0.75  # below which nothing is sure, and how often it was right on zoos 71 and 97 with 1,024


class Origins:
    """The origins of models, one after the other, the oldest first. ``near``: the elders that a model is compared with, by
    name, where all would be too many; ``bases``: what stands in for bases that are not there, and is named by nobody.
    """

    def __init__(
        self,
        near: Callable[[str], Iterable[str]] | None = None,
        merges: Mapping[str, Mixture] | None = None,
        bases: Iterable[Member] = (),
    ) -> None:
        self._near = near
        self._merges = merges or {}  # that are known already
        self._place: dict[str, int] = {}  # in ``_members``
        self._found: dict[str, Origin] = {}
        self._members: list[Member] = []
        self._floats: list[Member] = []
        self._candidates: dict[str, Candidate] = {}
        self._sources: dict[str, Member] = {}  # of quantised models
        self._turned: set[str] = set()  # in another order or scaled, and what goes on from these
        self._family: tuple[str, list[Member]] = ("", [])  # of the model at hand
        self._unknown: set[str] = set()  # bases that are not there
        for base in bases:
            self._unknown.add(base.id)
            self.know(base, Origin(base.id))

    def add(self, model: Member) -> Origin:
        """Find the origin of the next model, and know it from then on."""
        whole = self._members, self._floats
        if self._near is not None:
            near = {*self._near(model.id), *self._unknown}
            places = sorted(self._place[id] for id in near if id in self._place)
            self._members = [whole[0][at] for at in places]
            self._floats = [elder for elder in self._members if elder.id in self._candidates]
        try:
            found = _with_doubt(model, self._origin(model))
            said = self._of_known(model, found)
        finally:
            self._members, self._floats = whole
        self.know(model, found)
        return said

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
            first = found.parents[0] if found.parents else None
            if first is not None and first.relation is Relation.PERMUTED:
                self._turned.add(model.id)
                parents = []
            elif first is not None and first.base_model in self._turned:
                self._turned.add(model.id)
            same = [pair for pair in parents if pair[0].shapes == model.shapes]
            lines = [self._candidates[parent.id] for parent, _ in same]
            self._candidates[model.id] = Candidate(model, same, lines)

    def _of_known(self, model: Member, found: Origin) -> Origin:
        """An origin without bases that are not there."""
        parents = tuple(parent for parent in found.parents if parent.base_model not in self._unknown)
        candidates = tuple(pair for pair in found.candidates if pair[0] not in self._unknown)
        if (parents, candidates) == (found.parents, found.candidates):
            return found
        return replace(
            found, parents=parents, candidates=candidates, alike=found.alike if parents else self._alike(model)
        )

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
        family = [elder for elder in family if elder.id not in self._turned or relative(model, elder) <= FAR]
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
                    return one_parent(model.id, source.id, Relation.QUANTIZED, 1.0, what, is_leaf=True)
                what = "the same tensors" if relation is Relation.IDENTICAL else f"the same values as {model.dtype}"
                return one_parent(model.id, elder.id, relation, 1.0, what, is_leaf=True)
        for elder in self._floats:
            missing = left_out(model, elder)
            if missing is not None:
                relation = Relation.IDENTICAL if model.dtype == elder.dtype else Relation.RECAST
                what = f"the same tensors, without {', '.join(missing) or 'constants'}"
                return one_parent(model.id, elder.id, relation, 1.0, what, is_leaf=True)
        return None

    def _same_in_part(self, model: Member) -> Origin | None:
        """A copy or a cast, as far as it was read."""
        for elder in self._members:
            if same_in_windows(model, elder):
                relation = Relation.IDENTICAL if model.dtype == elder.dtype else Relation.RECAST
                what = f"the same in all {model.flat.size} weights that were read of both"
                return one_parent(model.id, elder.id, relation, PROBABILITY, what, is_leaf=True)
        return None

    def _quantised(self, model: Member) -> Origin | None:
        """The form on a grid of a model that is there."""
        kind = grid_of(model)
        return None if kind is None else put_on_grid(model, kind, self._put_on_grids(model))

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
        known = (elder for elder in self._floats if elder.id not in self._unknown)
        found = [said for elder in known if (said := resemblance(model, elder)) is not None]
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
                is_leaf = nearest <= FAR  # nobody could tell what goes on from it
                return one_parent(
                    model.id, source.id, Relation.PERMUTED, MERGE, "rows and columns scaled", is_leaf=is_leaf
                )
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
        best, source = min(fits, key=lambda pair: (pair[0].distance, pair[1].id in self._turned))
        # With the head, as in what is laid.
        in_place = min((relative(model, elder) for elder in family), default=float("inf"))
        if best.distance >= min(_LAID_NEAR, _NEARLY * in_place):
            return None
        relation = Relation(best.relation)
        if relation is not Relation.PERMUTED:
            same = [pair for pair in fits if pair[0].relation == best.relation and pair[0].distance < _LAID_NEAR]
            best, source = self._continued_by(model, same) or (best, source)
        what = f"{best.detail}; relative distance {best.distance:.4f} once laid onto it"
        is_leaf = relation is Relation.PERMUTED and nearest <= FAR
        return one_parent(model.id, source.id, relation, MERGE, what, is_leaf=is_leaf)

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
        if found is None or found.parents[0].probability <= EITHER:
            return None
        return next(pair for pair in fits if pair[1].id == found.parents[0].base_model)

    def _stack(self, model: Member, stack: Stack) -> Origin:
        """A model made of others' layers."""
        first, _ = stack.parents[0]
        if len(stack.parents) == 1:
            relation = Relation.PRUNED if stack.fewer else Relation.EXPANDED
            return one_parent(model.id, first.id, relation, SURE, stack.detail)
        parents = tuple(
            Parent(model.id, parent.id, Relation.MERGE, SURE, stack.detail, taken / stack.layers, None)
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
                    return one_parent(model.id, elder.id, Relation.FINETUNE, SURE, "a new head on an untouched trunk")
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
                return one_parent(model.id, elder.id, Relation.FINETUNE, SURE, "a new head on an untouched trunk")
        zeros = float((model.flat == 0).mean()) if len(model.flat) else 0.0
        if zeros > _SPARSE and family and not any(_zeros_kept(model, elder) for elder in family):
            there = model.flat != 0
            source = min(family, key=lambda elder: squared(model, elder, there))
            what = f"{zeros:.0%} of the weights set to zero"
            return one_parent(model.id, source.id, Relation.PRUNED, MERGE, what)
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
                MERGE,
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
        touching = untouched(model, self._relatives(model))
        if not touching:
            return None
        ranked = sorted(
            ((rank(model, elder.held_as(model.dtype)), elder) for elder in touching), key=lambda pair: pair[0].total
        )
        change, base = ranked[0]
        if not change.is_low:
            return None
        what = f"merged adapter of rank {change.median:g} on {change.touched} matrices"
        return one_parent(model.id, base.id, Relation.FINETUNE, MERGE, what)

    def _continued(self, model: Member) -> Origin | None:
        """A fine-tune, by the noise that it inherited."""
        return continued(model, Elders(self._relatives(model), self._floats, self._candidates, self._unknown))


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


def _zeros_kept(model: Member, elder: Member) -> bool:
    """Whether the zeros of a model are an elder's."""
    zero = model.flat == 0
    return float((elder.flat[zero] == 0).mean()) > _NEARLY


def _has(member: Member, role: str, values: Values) -> bool:
    return role in member.matrices and member.matrices[role].shape == values.shape


def _holds_most(model: Member, roles: Iterable[str]) -> bool:
    """Whether these matrices are most of a model."""
    return sum(model.matrices[role].size for role in roles) > _HELD * len(model.flat)


def origins(
    models: Iterable[Member] | Chronicle,
    near: Callable[[str], Iterable[str]] | None = None,
    declared: Declared | None = None,
) -> Iterator[Origin]:
    """The origins of models, in the order in which they can have been made; ``near`` as of ``Origins``, of that order.

    ``declared``: what models name as their bases.
    """
    told = models if isinstance(models, Chronicle) else chronicle(models)
    known = Origins(near, told.merges, told.bases)
    found = [known.add(model) for model in told.order]
    yield from directed(found, {model.id: model.created_at for model in told.order}, declared)
