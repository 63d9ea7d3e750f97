"""What counts as a repository's name, and why the rest does not."""

from __future__ import annotations

import pyarrow.parquet as pq
import pytest
from hypothesis import given
from hypothesis import strategies as st

from ingest.names import Rejected, judge, own
from tests.ingest.real_data import real


@pytest.mark.parametrize(
    ("said", "name"),
    [
        ("meta-llama/Llama-2-7b-hf", "meta-llama/Llama-2-7b-hf"),
        ("bert-base-uncased", "bert-base-uncased"),
        ("  Qwen/Qwen2.5-7B \n", "Qwen/Qwen2.5-7B"),
        ("\ufeffQwen/Qwen2.5-7B", "Qwen/Qwen2.5-7B"),
        ("https://huggingface.co/org/name", "org/name"),
        ("http://www.huggingface.co/org/name/", "org/name"),
        ("HTTPS://HuggingFace.co/Org/Name", "Org/Name"),
        ("https://huggingface.co/org/name/tree/main", "org/name"),
        ("https://huggingface.co/org/name/blob/main/README.md", "org/name"),
        ("https://huggingface.co/org/name?library=transformers", "org/name"),
        ("https://huggingface.co/org/name#usage", "org/name"),
        ("https://huggingface.co/bert-base-uncased", "bert-base-uncased"),
        ("huggingface.co/org/name", "org/name"),
        ("https://hf.co/org/name", "org/name"),
        ("hf://org/name", "org/name"),
        ("hf://models/org/name@main/model.safetensors", "org/name"),
        ("_x/y_", "_x/y_"),
        ("org/" + "a" * 96, "org/" + "a" * 96),
        ("Ekta/your-model-name", "Ekta/your-model-name"),  # somebody did
        ("site.ai/model", "site.ai/model"),
    ],
)
def test_names_and_addresses_on_the_hub_are_kept(said: str, name: str) -> None:
    assert judge(said) == name


@pytest.mark.parametrize(
    ("said", "reason"),
    [
        ("", "empty"),
        ("''", "empty"),
        ("[]", "empty-list"),
        ("None", "nothing-named"),
        ("n/a", "nothing-named"),
        ("https://hf.co/none", "nothing-named"),
        ("ORIGINAL_REPO_NAME", "template-text"),
        ("{{ base_model }}", "template-text"),
        ("<your model>", "template-text"),
        ("[More Information Needed]", "template-text"),
        ("your-username/your-model", "template-text"),
        ("username/repo_name", "template-text"),
        ("base_model", "template-text"),
        ("- meta-llama/Llama-2-7b", "yaml-residue"),
        ("['a/b', 'c/d']", "yaml-residue"),
        ("base_model: a/b", "yaml-residue"),
        ("a/b\nc/d", "yaml-residue"),
        ("a/b,", "yaml-residue"),
        ("/workspace/models/llama", "local-path"),
        ("./out", "local-path"),
        ("../out", "local-path"),
        ("~/models/x", "local-path"),
        ("C:\\models\\x", "local-path"),
        ("models/llama/7b", "local-path"),
        ("model.safetensors", "local-path"),
        ("https://github.com/org/name", "url-elsewhere"),
        ("github.com/org", "url-elsewhere"),
        ("s3://bucket/key", "url-elsewhere"),
        ("https://huggingface.co.evil.example/org/name", "url-elsewhere"),
        ("https://huggingface.co/datasets/org/name", "not-a-model-address"),
        ("https://huggingface.co/spaces/org/name", "not-a-model-address"),
        ("https://huggingface.co/", "not-a-model-address"),
        ("12345", "a-number"),
        ("1.5", "a-number"),
        ("org/a--b", "not-a-name"),
        ("org/a..b", "not-a-name"),
        ("org/-a", "not-a-name"),
        ("org/a.git", "not-a-name"),
        ("org/a (Merge)", "not-a-name"),
        ("two words", "not-a-name"),
        ("org/модель", "not-a-name"),
        ("org/" + "a" * 97, "too-long"),
        ("a " * 600, "too-long"),
    ],
)
def test_what_is_no_name_is_rejected_with_its_reason(said: str, reason: str) -> None:
    assert judge(said) == Rejected(reason)


_PIECES = [
    "org",
    "/",
    "name",
    "..",
    "--",
    ".git",
    "hf.co/",
    "https://",
    "huggingface.co/",
    "hf://",
    "models/",
    "@main",
    " ",
    "-",
    "[",
    "]",
    "none",
]


@given(st.one_of(st.text(max_size=300), st.lists(st.sampled_from(_PIECES), max_size=9).map("".join)))
def test_judging_never_raises_and_keeps_its_own_answers(said: str) -> None:
    named = judge(said)
    if isinstance(named, str):
        assert judge(named) == named
        assert own(named)


@given(st.from_regex(r"[A-Za-z0-9]{1,20}/[A-Za-z0-9](?:[A-Za-z0-9._]?[A-Za-z0-9]){0,30}", fullmatch=True))
def test_an_address_names_what_its_path_names(name: str) -> None:
    named = judge(name)
    if isinstance(named, str):
        assert {judge(f"https://huggingface.co/{name}{rest}") for rest in ("", "/", "/tree/main", "?x=1")} <= {
            named,
            Rejected("not-a-model-address"),  # `docs/x` is a page of the Hub
        }


def test_all_but_a_few_real_names_are_names() -> None:
    names = pq.read_table(real("hub/model_ids_75k.parquet"), columns=["modelId"])["modelId"].to_pylist()
    assert {name for name in names if not own(name)} == set()
    rejected = [name for name in names if isinstance(judge(name), Rejected)]
    assert {("--" in name) for name in rejected} <= {True}  # cut names of two old uploads
    assert len(rejected) <= 2
