"""This file knows the tags of a repository: those that repeat a field (licence, languages, datasets, base models), and the rest."""

from __future__ import annotations

from dataclasses import dataclass, field

from ingest.names import Rejected, folded, judge

DECLARED_RELATIONS = frozenset({"finetune", "adapter", "merge", "quantized"})  # the Hub's words
LONGEST = 200  # characters of a tag that is kept
_REPEATED = frozenset({"license", "dataset", "base_model", "region", "arxiv", "deploy"})
_LANGUAGES = frozenset(
    "aa ab af ak am an ar as av ay az ba be bg bh bi bm bn bo br bs ca ce ch co cr cs cu cv cy da de dv dz ee el en eo es et eu "  # noqa: SIM905 - words are easier to read so
    "fa ff fi fj fo fr fy ga gd gl gn gu gv ha he hi ho hr ht hu hy hz ia id ie ig ii ik io is it iu ja jv ka kg ki kj kk kl km "
    "kn ko kr ks ku kv kw ky la lb lg li ln lo lt lu lv mg mh mi mk ml mn mr ms mt my na nb nd ne ng nl nn no nr nv ny oc oj om "
    "or os pa pi pl ps pt qu rm rn ro ru rw sa sc sd se sg si sk sl sm sn so sq sr ss st su sv sw ta te tg th ti tk tl tn to tr "
    "ts tt tw ty ug uk ur uz ve vi vo wa wo xh yi yo za zh zu multilingual".split()
)
_KEPT, _LEFT_OUT, _BASE_MODEL, _DATASET, _LICENCE, _LANGUAGE = (
    "kept",
    "left out",
    "base model",
    "dataset",
    "licence",
    "language",
)
_REMEMBERED = 50_000  # tags of whose place is known without looking
_PLACES: dict[str, str] = {}


@dataclass(slots=True)
class Tags:
    """What a repository's tags say."""

    licence: str | None = None
    languages: list[str] = field(default_factory=list)  # distinct, sorted
    keep: list[str] = field(default_factory=list)  # those that repeat no field, in order
    base_models: list[str] = field(default_factory=list)  # after `base_model:`, as tagged
    datasets: list[str] = field(default_factory=list)


@dataclass(frozen=True, slots=True)
class TaggedBase:
    """One base model of the tags: ``relation`` is None where only the bare tag names it."""

    said: str
    relation: str | None
    tag: str  # what followed `base_model:` and its relation


def split(tags: list[str]) -> Tags:
    """Sort the tags by what they say."""
    found = Tags()
    keep, place_of, languages = found.keep.append, _PLACES.get, None
    for tag in tags:
        place = place_of(tag) or _placed(tag)
        if place is _KEPT:
            keep(tag)
        elif place is _LEFT_OUT:
            pass
        elif place is _BASE_MODEL:
            found.base_models.append(tag[11:])
        elif place is _DATASET:
            found.datasets.append(tag[8:])
        elif place is _LICENCE:
            found.licence = found.licence or tag[8:].lower()
        else:
            languages = languages or set()
            languages.add(tag.removeprefix("language:").lower())
    if languages:
        found.languages = sorted(languages)
    return found


def _placed(tag: str) -> str:
    """Where a tag belongs; remembered, but for those that are nearly all different."""
    prefix, colon, rest = tag.partition(":")
    if not colon:
        place = _LANGUAGE if tag in _LANGUAGES else _KEPT if 0 < len(tag) <= LONGEST else _LEFT_OUT
    elif prefix == "base_model":
        return _BASE_MODEL
    elif prefix == "dataset":
        return _DATASET
    elif prefix == "license":
        place = _LICENCE if 0 < len(rest) <= LONGEST else _LEFT_OUT
    elif prefix == "language":
        place = _LANGUAGE if 0 < len(rest) <= 20 else _LEFT_OUT
    else:
        place = _LEFT_OUT if prefix in _REPEATED or len(tag) > LONGEST else _KEPT
    if len(_PLACES) < _REMEMBERED:
        _PLACES[tag] = place
    return place


def base_models(tagged: list[str]) -> tuple[list[TaggedBase], list[tuple[str, str]]]:
    """The base models of the tags, a bare tag counted once with a typed one, and (reason, tag) of those that are none."""
    kept: dict[tuple[str, str | None], TaggedBase] = {}
    typed: set[str] = set()
    rejected: dict[str, str] = {}
    for tag in tagged:
        word, colon, rest = tag.partition(":")
        relation, text = (word, rest) if colon and word in DECLARED_RELATIONS else (None, tag)
        said = judge(text)
        if isinstance(said, Rejected) and relation is None and word.isalpha() and rest[:2] != "//":
            finer = judge(rest)  # a relation that the Hub does not have: the name counts
            said = finer if isinstance(finer, str) and "/" in finer else said
        if isinstance(said, Rejected):
            rejected[text] = said.reason
            continue
        key = folded(said)
        if relation is not None:
            typed.add(key)
        kept.setdefault((key, relation), TaggedBase(said, relation, text))
    bases = [base for (key, relation), base in kept.items() if relation is not None or key not in typed]
    return bases, [(reason, text) for text, reason in rejected.items()]
