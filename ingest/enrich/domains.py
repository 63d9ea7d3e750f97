"""This file knows a model's ability in one domain: items frozen as fitted, t found again from its results alone.

    t_md = sum w a (z - d) / (1 + sum w a^2),    sums over the results of model m on items of domain D

with a, d, dispersions and sources' offsets of ``response``, and w, z its weights and working responses around the present t_md,
repeated until t_md stands still. The prior is that of the whole, N(0, 1), and the variance that of ``response`` for this sum. That
the items themselves are known with an error only is left out, which matters where few models share them.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np

from ingest.enrich.response import TOLD, Floats, Ints, Response, Results, Sums, reweighted

STEPS = 100
SMALL_STEP = 1e-6


@dataclass(frozen=True)
class InDomains:
    """Pairs of model and domain that have results, (p,) each, by model, then domain."""

    model: Ints
    domain: Ints
    ability: Floats
    variance: Floats
    items: Ints  # distinct ones


def in_domains(results: Results, found: Response, domain: Ints) -> InDomains:
    """``domain`` (B,): that of each benchmark as a number, -1 for none."""
    kept = results.among(domain[results.benchmark] >= 0)
    count = int(domain.max(initial=-1)) + 1
    pairs, pair = np.unique(kept.model * max(count, 1) + domain[kept.benchmark], return_inverse=True)
    model, of = np.divmod(pairs, max(count, 1))
    alone = replace(kept, model=pair.astype(np.int64), models=len(pairs))
    sums, b, a = Sums(alone), alone.benchmark, found.discrimination
    now = replace(found, ability=found.ability[model].copy(), variance=np.ones(len(pairs)))
    offset = found.offset[alone.source] if len(found.offset) else 0.0
    for _ in range(STEPS):
        eta = now.eta(alone)
        w, ahead, _ = reweighted(alone, eta, found.dispersion)
        z = eta + ahead - offset
        ability = sums.by_model(w * (z - found.easiness[b]), a) / (1 + sums.by_model(w, a**2))
        step = float(np.abs(ability - now.ability).max(initial=0.0))
        now.ability = ability
        if step < SMALL_STEP:
            break
    w, _, _ = reweighted(alone, now.eta(alone), found.dispersion)
    variance = 1 / (1 + TOLD * sums.by_model(w, a**2))
    cells = np.unique(np.stack([alone.model, b]), axis=1)
    return InDomains(model, of, now.ability, variance, np.bincount(cells[0], minlength=len(pairs)).astype(np.int64))
