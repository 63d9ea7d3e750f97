"""What licences ask along a lineage: forty lineages by hand, and what must never go wrong."""

from __future__ import annotations

from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from graph.licence import LicenceReport, licence_report, meanings, terms_of
from graph.records import DerivationRecord, Evidence, ModelRecord, Relation, State

# A chain of `model licence`, the model first, its base models upwards; then the kinds left out, and how many steps up.
CHAINS: list[tuple[str, str]] = [
    ("you/tune apache-2.0 < meta-llama/Llama-3-8B llama3", "large-companies naming no-train-on-output use-restrictions @1"),
    ("you/tune apache-2.0 < mid/x apache-2.0 < meta-llama/Llama-3-8B llama3",
     "large-companies naming no-train-on-output use-restrictions @2"),
    ("you/tune llama3 < mid/x apache-2.0 < meta-llama/Llama-3-8B llama3", ""),
    ("you/tune llama3 < meta-llama/Llama-3-8B llama3", ""),
    ("you/tune llama3.1 < meta-llama/Llama-3-8B llama3", "no-train-on-output @1"),
    ("you/tune llama3 < meta-llama/Llama-3.1-8B llama3.1", ""),
    ("you/tune mit < meta-llama/Llama-3.1-8B llama3.1", "large-companies naming use-restrictions @1"),
    ("you/tune llama3.2 < meta-llama/Llama-3.2-1B llama3.2", ""),
    ("you/tune mit < meta-llama/Llama-3.3-70B llama3.3", "large-companies naming use-restrictions @1"),
    ("you/tune cc-by-nc-4.0 < meta-llama/Llama-2-7b llama2", "large-companies no-train-on-output use-restrictions @1"),
    ("you/tune llama2 < meta-llama/Llama-2-7b llama2", ""),
    ("you/tune apache-2.0 < lmsys/vicuna llama2 < meta-llama/Llama-2-7b llama2",
     "large-companies no-train-on-output use-restrictions @1"),
    ("you/tune apache-2.0 < mistralai/Mistral-7B-v0.1 apache-2.0", ""),
    ("you/tune mit < mistralai/Mistral-7B-v0.1 apache-2.0", ""),
    ("you/tune cc-by-nc-4.0 < mistralai/Mistral-7B-v0.1 apache-2.0", ""),
    ("you/tune apache-2.0 < Intel/neural-chat cc-by-nc-4.0 < mistralai/Mistral-7B-v0.1 apache-2.0", "non-commercial @1"),
    ("you/tune apache-2.0 < a/x apache-2.0 < b/y cc-by-nc-4.0 < mistralai/Mistral-7B-v0.1 apache-2.0", "non-commercial @2"),
    ("you/tune cc-by-nc-sa-4.0 < a/x cc-by-nc-4.0", ""),
    ("you/tune cc-by-sa-4.0 < a/x cc-by-sa-4.0", ""),
    ("you/tune cc-by-sa-4.0 < a/x cc-by-sa-3.0", ""),
    ("you/tune cc-by-4.0 < a/x cc-by-sa-4.0", "share-alike @1"),
    ("you/tune gpl-3.0 < a/x cc-by-sa-4.0", "share-alike @1"),
    ("you/tune agpl-3.0 < a/x gpl-3.0", ""),
    ("you/tune gpl-3.0 < a/x agpl-3.0", "network-source @1"),
    ("you/tune mit < a/x gpl-3.0", "share-alike @1"),
    ("you/tune cc-by-nc-4.0 < a/x cc-by-nc-sa-4.0", "share-alike @1"),
    ("you/tune mit < a/x cc-by-nc-nd-4.0", "no-derivatives non-commercial @1"),
    ("you/tune apache-2.0 < google/gemma-7b gemma", "use-restrictions @1"),
    ("you/tune gemma < google/gemma-7b gemma", ""),
    ("you/tune creativeml-openrail-m < google/gemma-7b gemma", ""),
    ("you/tune mit < runwayml/stable-diffusion-v1-5 creativeml-openrail-m", "use-restrictions @1"),
    ("you/tune openrail < runwayml/stable-diffusion-v1-5 creativeml-openrail-m", ""),
    ("you/tune apache-2.0 < bigscience/bloom bigscience-bloom-rail-1.0", "use-restrictions @1"),
    ("you/tune bigcode-openrail-m < bigcode/starcoder bigcode-openrail-m", ""),
    ("google/gemma-it apache-2.0 < google/gemma-7b gemma", ""),
    ("you/tune other < meta-llama/Llama-3-8B llama3", ""),
    ("you/tune - < meta-llama/Llama-3-8B llama3", ""),
    ("you/tune apache-2.0 < x/own other", ""),
    ("you/tune cc0-1.0 < google-bert/bert-base-uncased apache-2.0", ""),
    ("you/tune Apache-2.0 < a/x CC-BY-NC-4.0", "non-commercial @1"),
    ("you/tune apache-2.0 < deepfloyd/IF deepfloyd-if-license", "non-commercial use-restrictions @1"),
    ("you/tune apache-2.0 < facebook/x fair-noncommercial-research-license", "non-commercial use-restrictions @1"),
]  # fmt: skip


def record(id: str, licence: str, state: State = State.LISTED) -> ModelRecord:
    return ModelRecord(
        id, author=id.split("/", maxsplit=1)[0], licence=None if licence == "-" else licence, state=state
    )


def edge(model: str, base: str) -> DerivationRecord:
    return DerivationRecord(model, base, Relation.FINETUNE, (Evidence.CARD,), None, False, False)


def report(chain: str) -> LicenceReport:
    models = [record(id, licence) for id, licence in (part.split() for part in chain.split(" < "))]
    edges = [edge(model.id, base.id) for model, base in pairwise(models)]
    return licence_report(models[0], {model.id: model for model in models[1:]}, edges)


@pytest.mark.parametrize(("chain", "expected"), CHAINS)
def test_forty_lineages(chain: str, expected: str) -> None:
    found = report(chain).left_out
    kinds = sorted({each.duty.kind for each in found})
    nearest = {len(each.duty.path) - 1 for each in found}
    assert " ".join([*kinds, *(f"@{steps}" for steps in sorted(nearest))]) == expected
    ids = [part.split()[0] for part in chain.split(" < ")]
    for each in found:
        assert list(each.duty.path) == ids[: len(each.duty.path)]
        assert each.duty.path[-1] in each.text


def test_the_words() -> None:
    found = report("you/tune apache-2.0 < mid/x apache-2.0 < meta-llama/Llama-3-8B llama3")
    assert found.left_out[1].text == (
        "says apache-2.0; meta-llama/Llama-3-8B, 2 steps up, is llama3: name the derived model as the licence says, "
        "and show whose it is built with"
    )
    assert (found.declared, found.spdx) == ("apache-2.0", "Apache-2.0")
    assert [duty.kind for duty in found.duties] == [
        "large-companies", "naming", "no-train-on-output", "notice", "notice", "use-restrictions",
    ]  # fmt: skip


def test_what_is_not_known_is_said() -> None:
    assert report("you/tune other < meta-llama/Llama-3-8B llama3").unknown == ("you/tune",)
    assert report("you/tune - < x/y unknown").unknown == ("you/tune", "x/y")
    model = record("a/x", "mit")
    lost = {"b/lost": record("b/lost", "-", State.MISSING)}
    found = licence_report(model, lost, [edge("a/x", "b/lost"), edge("a/x", "c/never")])
    assert found.unknown == ("b/lost", "c/never")
    assert found.left_out == ()


def test_merges_ask_what_every_parent_asks_by_the_shortest_way() -> None:
    """
    you/mix <- a/x (cc-by-nc-4.0) <- deep/nc (cc-by-nc-4.0)
            <- b/y (gemma)
    """
    records = {
        "a/x": record("a/x", "cc-by-nc-4.0"),
        "deep/nc": record("deep/nc", "cc-by-nc-4.0"),
        "b/y": record("b/y", "gemma"),
    }
    edges = [edge("you/mix", "b/y"), edge("you/mix", "a/x"), edge("a/x", "deep/nc")]
    found = licence_report(record("you/mix", "apache-2.0"), records, edges)
    assert [(each.duty.kind, each.duty.path) for each in found.left_out] == [
        ("non-commercial", ("you/mix", "a/x")),
        ("use-restrictions", ("you/mix", "b/y")),
    ]
    assert licence_report(record("you/mix", "apache-2.0"), records, edges[::-1]) == found


@given(
    st.lists(st.tuples(st.integers(0, 6), st.integers(0, 6)), max_size=20),
    st.lists(st.sampled_from(["mit", "llama3", "gemma", "cc-by-nc-4.0", "other", "-", "odd"]), min_size=7, max_size=7),
)
def test_any_lineage_with_cycles(pairs: list[tuple[int, int]], licences: list[str]) -> None:
    models = {f"org{number}/m": record(f"org{number}/m", licence) for number, licence in enumerate(licences)}
    edges = [edge(f"org{a}/m", f"org{b}/m") for a, b in pairs]
    found = licence_report(models["org0/m"], models, edges)
    known = {(e.model, e.base_model) for e in edges}
    for duty in found.duties:
        assert duty.path[0] == "org0/m"
        assert all(step in known for step in pairwise(duty.path))
        terms = terms_of(models[duty.path[-1]].licence)
        assert terms is not None
        assert (terms.id, duty.kind) in {(duty.licence, kind) for kind in terms.asks}


def test_every_duty_has_a_meaning() -> None:
    for licence in ("mit", "AGPL-3.0-only", "llama4"):
        terms = terms_of(licence)
        assert terms is not None
        assert set(terms.asks) <= set(meanings())
    assert terms_of("some-licence") is None
    assert terms_of(None) is None
