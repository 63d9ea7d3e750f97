"""This file knows cursors: where a page of a list ends, as text that clients pass back unread."""

from __future__ import annotations

import base64
import binascii

import msgspec

from graph.errors import BadInput
from graph.store import Key

_FORM = msgspec.json.Decoder(tuple[str, int | float | None, str])


def write(order: str, key: Key) -> str:
    """A cursor for a place in an order."""
    text = msgspec.json.encode((order, key.value, key.id))
    return base64.urlsafe_b64encode(text).decode().rstrip("=")


def read(order: str, cursor: str | None) -> Key | None:
    """The place that a cursor stands for. Raises BadInput when it is no cursor, or one of another order."""
    if cursor is None:
        return None
    try:
        text = base64.b64decode(cursor + "=" * (-len(cursor) % 4), altchars=b"-_", validate=True)
        said, value, id = _FORM.decode(text)
    except (binascii.Error, msgspec.DecodeError, ValueError) as error:
        raise BadInput(f"{cursor[:40]!r} is not a cursor: pass `endCursor` of a page as it came") from error
    if said != order:
        raise BadInput(
            f"the cursor belongs to a list ordered by {said}, this one is ordered by {order}: start without it"
        )
    if value is not None and not -(2**63) < value < 2**63:
        raise BadInput("the cursor holds a number that no list has: pass `endCursor` of a page as it came")
    return Key(value, id)
