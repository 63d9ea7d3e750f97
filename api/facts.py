"""This file knows how the facts that a standard's rules look at are asked of the store."""

from __future__ import annotations

import re
from collections.abc import Sequence

from graph import conflicts as disagreements
from graph.records import ModelRecord, State
from graph.standard import PICKLES, SAFE, Facts
from graph.store import Store


async def facts_of(store: Store, models: Sequence[ModelRecord]) -> list[Facts]:
    """What the rules look at, of each model, from one question a kind (files: one a model)."""
    ids = [model.id for model in models]
    bases, claims = await store.base_models(ids), await store.claims(ids)
    trainings, abilities = await store.trainings(ids), await store.abilities(ids)
    named = list({edge.base_model for edges in bases for edge in edges})
    states = {record.id: record.state for record in await store.models(named) if record is not None} if named else {}
    found = []
    for at, model in enumerate(models):
        paths = [file.path for file in await store.files(model.id)]
        found.append(
            Facts(
                model,
                tuple(e.base_model for e in bases[at] if states.get(e.base_model, State.MISSING) is State.MISSING),
                tuple(conflict.text for conflict in disagreements.conflicts(claims[at])),
                tuple(training.dataset for training in trainings[at]),
                sum(bool(re.search(SAFE, path)) for path in paths) if paths else None,
                sum(bool(re.search(PICKLES, path)) for path in paths) if paths else None,
                abilities[at],
            )
        )
    return found
