"""This file knows a subset as SPDX 3.0.1 JSON-LD: an AI package for each model, its files, licences, and what it descends from.

SPDX wants a time of creation in each document: that of the export. It conforms to the AI profile when commit and time of creation
of every model are known; otherwise it does not claim to.
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from graph.spdx import expression
from graph.subset.exports.marks import address, purl
from graph.subset.lock import Lock, canonical
from graph.subset.rows import File, Row

CONTEXT = "https://spdx.org/rdf/3.0.1/spdx-context.jsonld"
_NO_ASSERTION = "expandedlicensing_NoAssertionLicense"
Element = dict[str, Any]


def write(lock: Lock, path: Path, created: datetime | None = None) -> None:
    """Write one file, an element at a time. ``created``: the document's time of creation."""
    moment = (created or datetime.now(UTC)).astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
    with path.open("wb") as file:
        file.write(b'{"@context":' + canonical(CONTEXT) + b',"@graph":[\n')
        for number, element in enumerate(_Document(lock).elements(moment)):
            file.write(b",\n" * bool(number) + canonical(element))
        file.write(b"\n]}\n")


class _Document:
    """The elements of one document, and how they are named."""

    def __init__(self, lock: Lock) -> None:
        self._lock = lock
        self._base = f"https://spdx.org/spdxdocs/stemma-subset-{lock.digest}"
        self._models = {row.model: f"model-{number}" for number, row in enumerate(lock.models)}
        self._outside = {base.model: f"outside-{number}" for number, base in enumerate(lock.outside)}
        licences = sorted(lock.totals.licences, key=str.encode)
        self._licences = {licence: f"licence-{number}" for number, licence in enumerate(licences)}

    def elements(self, created: str) -> Iterator[Element]:
        """All of them."""
        tool = self._id("stemma")
        yield {"type": "CreationInfo", "@id": "_:made", "specVersion": "3.0.1", "created": created, "createdBy": [tool]}
        yield self._element("SoftwareAgent", "stemma", name="Stemma")
        models = [self._id(name) for name in self._models.values()]
        told = all(row.commit and row.created_at for row in self._lock.models)
        yield self._element(
            "SpdxDocument",
            "document",
            name=self._lock.query.title or "subset",
            comment=f"subset {self._lock.digest} of snapshot {self._lock.snapshot}",
            profileConformance=["core", "software", "simpleLicensing", *(["ai"] if told else [])],
            rootElement=models,
        )
        for licence, name in self._licences.items():
            yield self._element(
                "simplelicensing_LicenseExpression", name, simplelicensing_licenseExpression=expression(licence)
            )
        for base in self._lock.outside:
            told_of = f"base model outside the subset: {base.why}"
            yield self._element("software_Package", self._outside[base.model], name=base.model, comment=told_of)
        authors = dict[str, str]()
        for row in self._lock.models:
            author = row.author or row.model
            if author not in authors:
                authors[author] = f"author-{len(authors)}"
                yield self._element("Agent", authors[author], name=author)
            yield from self._model(row, self._id(authors[author]))

    def _model(self, row: Row, author: str) -> Iterator[Element]:
        name = self._models[row.model]
        facts: Element = {
            "software_packageVersion": row.commit,
            "releaseTime": row.created_at,
            "ai_typeOfModel": [row.architecture] if row.architecture else None,
            "ai_domain": [row.task] if row.task else None,
        }
        yield self._element(
            "ai_AIPackage",
            name,
            name=row.model,
            comment=row.why.text(),
            suppliedBy=author,
            software_primaryPurpose="model",
            software_downloadLocation=address(row.model, row.commit),
            software_packageUrl=purl(row.model, row.commit),
            **{key: value for key, value in facts.items() if value is not None},
        )
        declared = self._id(self._licences[row.licence.id]) if row.licence else _NO_ASSERTION
        yield self._relation(name, "declared", "hasDeclaredLicense", [declared])
        yield self._relation(name, "concluded", "hasConcludedLicense", [_NO_ASSERTION])
        if row.bases:
            known = self._models | self._outside
            yield self._relation(name, "bases", "descendantOf", [self._id(known[base.model]) for base in row.bases])
        for number, file in enumerate(row.files or ()):
            yield self._file(f"{name}-file-{number}", file)
        if row.files:
            yield self._relation(
                name, "files", "contains", [self._id(f"{name}-file-{at}") for at in range(len(row.files))]
            )

    def _file(self, name: str, file: File) -> Element:
        more: Element = {}
        if file.sha256:
            more["verifiedUsing"] = [{"type": "Hash", "algorithm": "sha256", "hashValue": file.sha256}]
        if file.git_blob:
            identifier = f"gitoid:blob:sha1:{file.git_blob}"
            more["software_contentIdentifier"] = [
                {
                    "type": "software_ContentIdentifier",
                    "software_contentIdentifierType": "gitoid",
                    "software_contentIdentifierValue": identifier,
                }
            ]
        return self._element("software_File", name, name=file.path, **more)

    def _relation(self, start: str, name: str, kind: str, ends: list[str]) -> Element:
        return self._element(
            "Relationship", f"{start}-{name}", **{"from": self._id(start), "to": ends, "relationshipType": kind}
        )

    def _element(self, kind: str, mark: str, **facts: Any) -> Element:
        return {"type": kind, "spdxId": self._id(mark), "creationInfo": "_:made", **facts}

    def _id(self, name: str) -> str:
        return f"{self._base}#{name}"
