"""This file knows in which size class a model is, by its parameters: ``graph.store.SIZE_CLASSES`` over a whole column."""

from __future__ import annotations

import polars as pl

from graph.store import SIZE_CLASSES


def size_class(parameters: str = "parameters") -> pl.Expr:
    """The name of the size class by the column of that name; null where it is not known."""
    size = pl.lit(None, pl.String)
    for name, bound in reversed(SIZE_CLASSES):
        fits = pl.col(parameters).is_not_null() if bound is None else pl.col(parameters) < bound
        size = pl.when(fits).then(pl.lit(name)).otherwise(size)
    return size
