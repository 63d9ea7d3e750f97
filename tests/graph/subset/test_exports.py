"""Every export opened by the tool that it is for."""

from __future__ import annotations

import csv
import hashlib
import json
import shutil
import subprocess
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import duckdb
import msgspec
import networkx as nx
import pyarrow.parquet as pq
import pybtex.database
import pytest
from cyclonedx.schema import SchemaVersion
from cyclonedx.validation.json import JsonStrictValidator
from rocrate.rocrate import ROCrate
from spdx_python_model import v3_0_1 as spdx_model

from graph.subset.exports import in_toto, spdx
from graph.subset.exports.form import BY_NAME, FORMS, export
from graph.subset.lock import Lock, canonical, read, row_check
from graph.subset.query import Query, Where
from graph.subset.rows import Ability, Base, File, Licence, Outside, Row, Why
from graph.tables import SCHEMA_VERSION
from tests.graph.subset.shelf import ALL, locked, shelf

ODD = 'od]]>d/<&"quo\'ted" \\ \\" 名前 ;$(id)`id`\x01{%_}'


def odd() -> Lock:
    """A lock such as a stranger could send: every text in it is what no Hub would let through."""
    base = Base(ODD + "/base", ODD, (ODD, "tag"), inside=False, conflict=True, cycle=False)
    other = Base("=cmd|' /C calc'!A0/x", "merge", ("tag",), inside=True, conflict=False, cycle=False)
    files = (File(ODD, 3, "a" * 64), File("../" + ODD, 4, None, "b" * 40), File("c"))

    def row(model: str, bases: tuple[Base, ...], commit: str | None) -> Row:
        why = Why("include", reason=ODD + "\\")
        licence = Licence(ODD, "hub")
        made = Row(
            model,
            None,
            commit,
            "listed",
            ODD,
            licence,
            files,
            bases,
            ODD,
            ODD,
            ODD,
            7,
            "2024-01-02T00:00:00Z",
            1.5,
            None,
            Ability(101.5, 2, 3, ODD),
            why,
        )
        return msgspec.structs.replace(made, check=row_check(made))

    rows = (row("=cmd|' /C calc'!A0/x", (), "1" * 40), row(ODD, (base, other), ODD), row("org/\nevil", (), None))
    outside = (Outside(ODD + "/base", "missing", ODD, "missing", None, 1),)
    return Lock.of(Query(ODD, Where()).checked(), "0" * 64, SCHEMA_VERSION, rows, outside, ())


@pytest.fixture(scope="module", params=["shelf", "odd", "empty"])
def lock(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Lock:
    if request.param == "odd":
        return odd()
    folder = tmp_path_factory.mktemp("world")
    return locked(shelf(folder), ALL if request.param == "shelf" else "[where]\ntext = 'none of that name'\n")


def exported(lock: Lock, name: str, folder: Path) -> Path:
    place = folder / BY_NAME[name].ending
    export(lock, BY_NAME[name], place)
    return place


def edges_of(lock: Lock) -> int:
    return sum(len(row.bases) for row in lock.models)


def test_parquet_and_csv_in_duckdb(lock: Lock, tmp_path: Path) -> None:
    parquet, text = exported(lock, "parquet", tmp_path), exported(lock, "csv", tmp_path)
    assert pq.read_table(parquet / "models.parquet").num_rows == len(lock.models) + len(lock.outside)
    with duckdb.connect() as sql:
        for name, rows in (("models", len(lock.models) + len(lock.outside)), ("derivations", edges_of(lock))):
            for place in (parquet / f"{name}.parquet", text / f"{name}.csv"):
                assert sql.execute("SELECT count(*) FROM " + f"'{place}'").fetchone() == (rows,)
        join = (
            f"SELECT count(*) FROM '{parquet}/derivations.parquet' d JOIN '{parquet}/models.parquet' m ON d.base_model = m.id "
            f"JOIN '{parquet}/models.parquet' n ON d.model = n.id"
        )
        assert sql.execute(join).fetchone() == (edges_of(lock),)
        assert sql.execute(f"SELECT sum(size) FROM '{parquet}/files.parquet'").fetchone() == (
            lock.totals.bytes or None,
        )
    with (text / "models.csv").open(newline="") as file:
        found = list(csv.DictReader(file))
    rows_read = pq.read_table(parquet / "models.parquet").to_pylist()
    assert [row["id"] for row in found] == [row["id"] for row in rows_read]
    assert [row["licence"] or None for row in found] == [row["licence"] for row in rows_read]


def test_json_lines(lock: Lock, tmp_path: Path) -> None:
    lines = exported(lock, "jsonl", tmp_path).read_bytes().splitlines()
    assert lines == [canonical(row) for row in lock.models]


@pytest.mark.parametrize("name", ["graphml", "gexf"])
def test_graphs_in_networkx(lock: Lock, tmp_path: Path, name: str) -> None:
    place = exported(lock, name, tmp_path)
    graph: Any = nx.read_graphml(place) if name == "graphml" else nx.read_gexf(place)
    names = {
        model.replace("\x01", "\ufffd") for model in [*(r.model for r in lock.models), *(o.model for o in lock.outside)]
    }
    assert set(graph.nodes) == names
    assert graph.number_of_edges() == edges_of(lock)
    if edges_of(lock):
        assert {data["relation"] for _, _, data in graph.edges(data=True)} == {
            base.relation.replace("\x01", "\ufffd") for row in lock.models for base in row.bases
        }
        assert {data["inside"] for _, data in graph.nodes(data=True)} == {True, bool(not lock.outside)}


def test_cyclonedx_by_the_official_schema(lock: Lock, tmp_path: Path) -> None:
    text = exported(lock, "cyclonedx", tmp_path).read_text(encoding="utf-8")
    assert JsonStrictValidator(SchemaVersion.V1_6).validate_str(text) is None
    bom = json.loads(text)
    assert [component["name"] for component in bom["components"]] == [row.model for row in lock.models]
    hashes = [h for c in bom["components"] for f in c.get("components", []) for h in f.get("hashes", [])]
    assert len(hashes) == lock.totals.files - lock.totals.files_by_git_blob - lock.totals.files_without_hash
    assert sum(len(c.get("pedigree", {}).get("ancestors", [])) for c in bom["components"]) == edges_of(lock)
    assert sum("licenses" in c for c in bom["components"]) == lock.totals.models - lock.totals.without_licence


def test_spdx_by_its_own_model(lock: Lock, tmp_path: Path) -> None:
    place = tmp_path / "x.json"
    spdx.write(lock, place, datetime(2026, 1, 2, tzinfo=UTC))
    objects = spdx_model.SHACLObjectSet()
    with place.open("rb") as file:
        spdx_model.JSONLDDeserializer().read(file, objects)
    assert not {name for name in objects.missing_ids if "NoAssertion" not in name}
    packages = list(objects.foreach_type(spdx_model.ai_AIPackage))
    assert sorted(str(package.name) for package in packages) == sorted(row.model for row in lock.models)
    assert sum(1 for _ in objects.foreach_type(spdx_model.software_File)) == lock.totals.files
    kinds = [str(relation.relationshipType) for relation in objects.foreach_type(spdx_model.Relationship)]
    assert sum(kind.endswith("/hasDeclaredLicense") for kind in kinds) == lock.totals.models
    assert sum(kind.endswith("/hasConcludedLicense") for kind in kinds) == lock.totals.models
    assert sum(kind.endswith("/descendantOf") for kind in kinds) == sum(bool(row.bases) for row in lock.models)
    again = tmp_path / "y.json"
    spdx.write(lock, again, datetime(2026, 1, 2, tzinfo=UTC))
    assert again.read_bytes() == place.read_bytes()


@pytest.mark.filterwarnings("ignore::DeprecationWarning", "ignore::FutureWarning")
def test_croissant_by_mlcroissant(lock: Lock, tmp_path: Path) -> None:
    import mlcroissant

    place = exported(lock, "croissant", tmp_path)
    data = mlcroissant.Dataset(jsonld=place / "croissant.json")
    assert not data.metadata.ctx.issues.errors
    if lock.models:
        found = [record["models/id"].decode() for record in data.records("models")]
        assert found == [*(row.model for row in lock.models), *(base.model for base in lock.outside)]


def test_ro_crate_by_rocrate(lock: Lock, tmp_path: Path) -> None:
    place = exported(lock, "ro-crate", tmp_path)
    crate = ROCrate(place)
    files = [entity for entity in crate.get_entities() if entity.type == "File"]
    assert {file.id for file in files} == {"subset.lock.json", "models.csv", "derivations.csv", "files.csv"}
    for file in files:
        assert hashlib.sha256((place / file.id).read_bytes()).hexdigest() == file["sha256"]
    assert read(place / "subset.lock.json") == lock


def test_bibtex_by_pybtex(lock: Lock, tmp_path: Path) -> None:
    text = exported(lock, "bibtex", tmp_path).read_text(encoding="utf-8")
    entries = pybtex.database.parse_string(text, "bibtex").entries
    assert len(entries) == len(lock.models)
    assert len({key.lower() for key in entries}) == len(lock.models)
    commits = {row.commit for row in lock.models if row.commit}
    assert all(any(commit in entry.fields.get("note", "") for entry in entries.values()) for commit in commits)


def test_the_download_script_runs_nothing_of_a_strangers(lock: Lock, tmp_path: Path) -> None:
    script = exported(lock, "download", tmp_path)
    (tmp_path / "bin").mkdir()
    hf = tmp_path / "bin" / "hf"
    hf.write_text('#!/bin/sh\nprintf "%s\\n" "$@" END >> "$LOG"\n')
    hf.chmod(0o755)
    folder, log = tmp_path / "models", tmp_path / "log"
    folder.mkdir()
    environment = {"PATH": f"{tmp_path / 'bin'}:/usr/bin:/bin", "LOG": str(log)}
    done = subprocess.run(["sh", script, folder], env=environment, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    calls = [call.strip("\n").split("\n") for call in log.read_text().split("END")[:-1]] if log.exists() else []
    wanted = [row for row in lock.models if len(row.commit or "") == 40 and row.commit != ODD]
    assert [call[-1] for call in calls] == [row.model for row in wanted]
    assert [call[2] for call in calls] == [row.commit for row in wanted]
    assert done.stderr.count(": its commit is ") == len(lock.models) - len(wanted)
    log.unlink(missing_ok=True)
    subprocess.run(["sh", script, folder], env=environment, capture_output=True, check=True)
    assert not log.exists()  # what is whole is not asked for again


def test_in_toto_and_a_signature(lock: Lock, tmp_path: Path) -> None:
    file = tmp_path / "subset.lock.json"
    lock.write(file)
    statement = exported(lock, "in-toto", tmp_path)
    said = json.loads(statement.read_text())
    assert said["subject"][0]["digest"]["sha256"] == hashlib.sha256(file.read_bytes()).hexdigest()
    assert in_toto.faults(statement, file, lock) == []
    other = msgspec.structs.replace(lock, digest="0" * 64)
    other.write(tmp_path / "other.json")
    assert [fault[:10] for fault in in_toto.faults(statement, tmp_path / "other.json", other)] == ["statement:"] * 2
    if shutil.which("ssh-keygen") is None:
        pytest.skip("ssh-keygen is not installed: the signature is left out")
    key, signers = tmp_path / "key", tmp_path / "signers"
    subprocess.run(["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", key], check=True)
    subprocess.run(
        ["ssh-keygen", "-q", "-Y", "sign", "-f", key, "-n", "stemma", statement], check=True, capture_output=True
    )
    signers.write_text("curator@example.org " + key.with_suffix(".pub").read_text())
    check: list[str | Path] = ["ssh-keygen", "-Y", "verify", "-f", signers, "-I", "curator@example.org", "-n", "stemma"]
    check += ["-s", statement.with_name(statement.name + ".sig")]
    for content, status in ((statement.read_bytes(), 0), (statement.read_bytes() + b" ", 255)):
        assert subprocess.run(check, input=content, capture_output=True, check=False).returncode == status


def test_the_forms_are_those_of_the_command() -> None:
    from api.cli.subset import FORM_NAMES, export_command

    assert tuple(form.name for form in FORMS) == FORM_NAMES
    assert export_command.help is not None
    assert all(form.name in export_command.help for form in FORMS)
