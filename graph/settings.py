"""This file knows every setting that comes from the environment, its default, and what it means.

It is the only place that reads the environment. Command line options win over these values.
"""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from graph.errors import BadInput


@dataclass(frozen=True, slots=True)
class Setting:
    """One variable: its name, its default as written by a user, and one line that describes it."""

    name: str
    default: str
    meaning: str


SETTINGS: tuple[Setting, ...] = (
    Setting("STEMMA_CATALOGUE", "", "folder with the snapshots (default: stemma/catalogue in the user's data folder)"),
    Setting("STEMMA_STORE", "snapshot", "`snapshot`, or a Bolt address such as bolt://localhost:7687"),
    Setting("STEMMA_NEO4J_USER", "neo4j", "user of the Neo4j server"),
    Setting("STEMMA_NEO4J_PASSWORD", "", "its password; empty means no authentication"),
    Setting("STEMMA_NEO4J_DATABASE", "neo4j", "its database"),
    Setting("STEMMA_CACHE", "", "folder for what is fetched from a graph (default: stemma in the user's cache folder)"),
    Setting("STEMMA_HOST", "127.0.0.1", "address that `stemma serve` listens on"),
    Setting("STEMMA_PORT", "8000", "port that `stemma serve` listens on; 0 takes a free one"),
    Setting("STEMMA_WORKERS", "1", "processes that serve; they share the snapshot's mapped pages"),
    Setting("STEMMA_CORS_ORIGINS", "", "origins allowed to call from a browser, separated by commas; `*` for any"),
    Setting("STEMMA_MAX_DEPTH", "15", "deepest selection that a GraphQL document may have"),
    Setting("STEMMA_MAX_ALIASES", "30", "most aliases in a GraphQL document"),
    Setting("STEMMA_MAX_TOKENS", "2000", "most tokens in a GraphQL document"),
    Setting("STEMMA_MAX_COST", "100000", "highest estimated cost of a GraphQL document, in fields answered"),
    Setting("STEMMA_MAX_BODY_BYTES", "100000", "largest request body, in bytes"),
    Setting("STEMMA_MAX_SKETCH_BYTES", "16000000", "largest sketch that `/identify` takes, in bytes"),
    Setting("STEMMA_MAX_PAGE", "100", "largest page of a connection"),
    Setting("STEMMA_MAX_LINEAGE", "2500", "most nodes of one lineage answer"),
    Setting("STEMMA_RESPONSE_CACHE_MB", "64", "memory for whole answers, in MB; 0 switches it off"),
    Setting("STEMMA_LOG_FORMAT", "console", "`console` or `json`"),
    Setting("STEMMA_LOG_LEVEL", "info", "`debug`, `info`, `warning` or `error`"),
)
_DEFAULTS = {setting.name: setting.default for setting in SETTINGS}


@dataclass(frozen=True, slots=True)
class Settings:
    """All settings, parsed."""

    catalogue: Path
    catalogue_named: bool  # by the user, not the default
    store: str
    neo4j_user: str
    neo4j_password: str
    neo4j_database: str
    cache: Path
    host: str
    port: int
    workers: int
    cors_origins: tuple[str, ...]
    max_depth: int
    max_aliases: int
    max_tokens: int
    max_cost: int
    max_body_bytes: int
    max_sketch_bytes: int
    max_page: int
    max_lineage: int
    response_cache_mb: int
    log_format: str
    log_level: str

    def __repr__(self) -> str:
        return f"Settings(catalogue={str(self.catalogue)!r}, store={self.store!r})"  # never the password


def _number(environment: Mapping[str, str], name: str, least: int) -> int:
    text = environment.get(name) or _DEFAULTS[name]
    try:
        value = int(text)
    except ValueError:
        value = least - 1
    if value < least:
        raise BadInput(f"{name} is {text!r}: set it to a whole number of {least} or more")
    return value


def _choice(environment: Mapping[str, str], name: str, choices: tuple[str, ...]) -> str:
    value = (environment.get(name) or _DEFAULTS[name]).lower()
    if value not in choices:
        raise BadInput(f"{name} is {value!r}: set it to one of {', '.join(choices)}")
    return value


def default_catalogue(environment: Mapping[str, str]) -> Path:
    """``stemma/catalogue`` in the user's data folder, as the XDG base directory specification names it."""
    data = environment.get("XDG_DATA_HOME") or ""
    return (Path(data) if data else Path.home() / ".local" / "share") / "stemma" / "catalogue"


def default_cache(environment: Mapping[str, str]) -> Path:
    """``stemma`` in the user's cache folder, as the XDG base directory specification names it."""
    cache = environment.get("XDG_CACHE_HOME") or ""
    return (Path(cache) if cache else Path.home() / ".cache") / "stemma"


def load(environment: Mapping[str, str] | None = None) -> Settings:
    """Read the settings. Raises BadInput that names the variable when a value cannot be used."""
    env = os.environ if environment is None else environment

    def text(name: str) -> str:
        return env.get(name) or _DEFAULTS[name]

    return Settings(
        catalogue=Path(text("STEMMA_CATALOGUE")).expanduser() if text("STEMMA_CATALOGUE") else default_catalogue(env),
        catalogue_named=bool(text("STEMMA_CATALOGUE")),
        store=text("STEMMA_STORE"),
        neo4j_user=text("STEMMA_NEO4J_USER"),
        neo4j_password=text("STEMMA_NEO4J_PASSWORD"),
        neo4j_database=text("STEMMA_NEO4J_DATABASE"),
        cache=Path(text("STEMMA_CACHE")).expanduser() if text("STEMMA_CACHE") else default_cache(env),
        host=text("STEMMA_HOST"),
        port=_number(env, "STEMMA_PORT", 0),
        workers=_number(env, "STEMMA_WORKERS", 1),
        cors_origins=tuple(part.strip() for part in text("STEMMA_CORS_ORIGINS").split(",") if part.strip()),
        max_depth=_number(env, "STEMMA_MAX_DEPTH", 1),
        max_aliases=_number(env, "STEMMA_MAX_ALIASES", 0),
        max_tokens=_number(env, "STEMMA_MAX_TOKENS", 1),
        max_cost=_number(env, "STEMMA_MAX_COST", 1),
        max_body_bytes=_number(env, "STEMMA_MAX_BODY_BYTES", 1),
        max_sketch_bytes=_number(env, "STEMMA_MAX_SKETCH_BYTES", 1),
        max_page=_number(env, "STEMMA_MAX_PAGE", 1),
        max_lineage=_number(env, "STEMMA_MAX_LINEAGE", 1),
        response_cache_mb=_number(env, "STEMMA_RESPONSE_CACHE_MB", 0),
        log_format=_choice(env, "STEMMA_LOG_FORMAT", ("console", "json")),
        log_level=_choice(env, "STEMMA_LOG_LEVEL", ("debug", "info", "warning", "error")),
    )
