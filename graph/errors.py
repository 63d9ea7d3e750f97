"""This file knows every failure that Stemma tells its users about.

StemmaError
├── BadInput             what was asked or given cannot be used           exit 2  HTTP 400
│   └── LimitExceeded    a stated limit was passed                        exit 2  HTTP 400
├── NotFound             no model, dataset, file or snapshot of that name exit 1  HTTP 404
├── Unreachable          a service did not answer                         exit 3  HTTP 503
└── Damaged              stored data does not match its own digests       exit 4  HTTP 500

A message says what went wrong, which thing, and what to do about it.
"""

from __future__ import annotations

from typing import ClassVar


class StemmaError(Exception):
    """Any failure with a message for the user. ``code`` is stable; clients may switch on it."""

    code: ClassVar[str] = "INTERNAL"
    exit_status: ClassVar[int] = 70
    http_status: ClassVar[int] = 500


class BadInput(StemmaError):
    """What was asked or given cannot be used."""

    code = "BAD_INPUT"
    exit_status = 2
    http_status = 400


class LimitExceeded(BadInput):
    """A stated limit was passed: ``limit`` is its name, ``allowed`` the most, ``asked`` what came."""

    code = "LIMIT_EXCEEDED"

    def __init__(self, limit: str, allowed: int, asked: int, advice: str) -> None:
        self.limit = limit
        self.allowed = allowed
        self.asked = asked
        super().__init__(f"{limit} is {asked}, the most allowed is {allowed}: {advice}")


class NotFound(StemmaError):
    """Nothing of that name is in the catalogue."""

    code = "NOT_FOUND"
    exit_status = 1
    http_status = 404

    def __init__(self, kind: str, name: str, advice: str = "") -> None:
        self.kind = kind
        self.name = name
        super().__init__(f"no {kind} named {name!r}" + (f": {advice}" if advice else ""))


class Unreachable(StemmaError):
    """A service did not answer."""

    code = "UNREACHABLE"
    exit_status = 3
    http_status = 503


class Damaged(StemmaError):
    """Stored data does not match its own digests, or is not what its manifest says."""

    code = "DAMAGED"
    exit_status = 4
    http_status = 500
