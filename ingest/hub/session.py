"""This file knows how the Hub is asked: huggingface_hub's own client with time-outs, patience within limits, one origin only."""

from __future__ import annotations

import random
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TypeVar
from urllib.parse import urlsplit

import httpx2
import msgspec
from huggingface_hub import constants, get_token, set_client_factory
from huggingface_hub.utils._headers import build_hf_headers
from huggingface_hub.utils._http import close_session, get_session, parse_ratelimit_headers

from graph.errors import BadInput, Unreachable

ATTEMPTS = 6  # for one page, or one range of a file
LARGEST_BODY = 256 * 2**20  # bytes of one answer
PASSING = frozenset([408, 429, 500, 502, 503, 504])  # statuses after which the same is asked again
_SPARE = 2  # requests left in a window at which to wait for the next one
_LONGEST_WAIT = 330.0  # seconds: a window of the Hub's limits lasts five minutes
_RESUME = "what was read is kept; go on with --resume"
_T = TypeVar("_T")


@dataclass(frozen=True, slots=True)
class Answer:
    """One answer: its status, the whole body, where the next page is, where it was moved to."""

    status: int
    body: bytes
    next_url: str | None
    location: str | None


class HubSession:
    """Asks one endpoint. The token goes to its origin alone and is never shown."""

    def __init__(
        self,
        endpoint: str | None,
        *,
        timeout_seconds: float = 30.0,
        pause_seconds: float = 1.0,
        sleep: Callable[[float], None] = time.sleep,
    ) -> None:
        self.endpoint = (endpoint or constants.ENDPOINT).rstrip("/")
        parts = urlsplit(self.endpoint)
        if parts.scheme not in ("http", "https") or not parts.netloc:
            raise BadInput(f"{self.endpoint!r} is not the address of a Hub: write https://host")
        self._origin = (parts.scheme, parts.netloc)
        self._headers = build_hf_headers(token=get_token() or False, library_name="stemma")
        self._timeout = timeout_seconds
        self._pause = pause_seconds
        self._sleep = sleep
        self._wait_until = 0.0

    @contextmanager
    def open(self) -> Iterator[None]:
        """Give huggingface_hub's client time-outs while this session lasts."""
        set_client_factory(lambda: httpx2.Client(timeout=self._timeout, follow_redirects=False))
        try:
            yield
        finally:
            close_session()

    def get(self, url: str, *, deep: bool = False) -> Answer:
        """One answer with a final status (below 500, not 408 or 429), tried again as long as there is hope.

        With ``deep`` a 504 is returned too: the caller can ask for less. Raises Unreachable, BadInput for another origin.
        """
        if not self.is_here(url):
            parts = urlsplit(url)
            raise BadInput(
                f"{self.endpoint} points to another server ({parts.scheme}://{parts.netloc}): it is not followed"
            )

        def ask() -> tuple[Answer | None, str]:
            answer, trouble = self._once(url)
            if answer is not None and answer.status in PASSING and not (deep and answer.status == 504):
                return None, trouble
            return answer, trouble

        return self.patiently(ask)

    def is_here(self, url: str) -> bool:
        """Whether an address lies on the endpoint's own origin, where the token may go."""
        parts = urlsplit(url)
        return (parts.scheme, parts.netloc) == self._origin

    def patiently(self, ask: Callable[[], tuple[_T | None, str]], advice: str = _RESUME) -> _T:
        """What ``ask`` gives, within the limits; it is called again while it gives None and the trouble, or loses its connection.

        Raises Unreachable, with the last trouble, when there is no more hope.
        """
        trouble = ""
        for attempt in range(ATTEMPTS):
            self._keep_within_limits()
            try:
                found, trouble = ask()
            except (httpx2.TransportError, httpx2.DecodingError) as error:
                found, trouble = None, type(error).__name__
            if found is not None:
                return found
            self._sleep(min(60.0, self._pause * 2**attempt * (1 + random.random() / 4)))  # noqa: S311 - jitter, not a secret
        raise Unreachable(f"{self.endpoint} did not answer after {ATTEMPTS} tries ({trouble}): {advice}")

    def rows(self, url: str) -> tuple[list[msgspec.Raw], Answer]:
        """A page: its rows as JSON, each on its own, and the answer. Tried again when the body is no list."""
        for attempt in range(ATTEMPTS):
            answer = self.get(url, deep=True)
            if answer.status != 200:
                return [], answer
            try:
                return msgspec.json.decode(answer.body, type=list[msgspec.Raw]), answer
            except msgspec.DecodeError:
                self._sleep(self._pause * 2**attempt)
        raise Unreachable(f"{self.endpoint} sends pages that are not JSON: {_RESUME}")

    @contextmanager
    def asked(
        self, url: str, headers: Mapping[str, str] | None = None, *, with_token: bool = True
    ) -> Iterator[httpx2.Response]:
        """An answer whose body is not read yet. Without ``with_token`` nothing tells who asks. No redirect is followed."""
        ours = {name: value for name, value in self._headers.items() if with_token or name.lower() == "user-agent"}
        with get_session().stream("GET", url, headers={**ours, **(headers or {})}, follow_redirects=False) as response:
            if with_token or response.status_code == 429:
                self._note_limits(response)
            yield response

    def _once(self, url: str) -> tuple[Answer | None, str]:
        with self.asked(url) as response:
            body = bytearray()
            for chunk in response.iter_bytes():
                body += chunk
                if len(body) > LARGEST_BODY:
                    raise BadInput(
                        f"{self.endpoint} sent an answer of more than {LARGEST_BODY // 2**20} MiB: it is refused"
                    )
            said = response.headers.get("content-length")
            if said and "content-encoding" not in response.headers and int(said) != len(body):
                return None, "an answer was cut short"
            following = response.links.get("next", {}).get("url")
            location = response.headers.get("location")
            whole = Answer(response.status_code, bytes(body), following, location)
            return whole, f"status {response.status_code}"

    def _note_limits(self, response: httpx2.Response) -> None:
        """Remember when to ask again: after a refusal, or when the window is nearly used up."""
        limits = parse_ratelimit_headers(response.headers)
        wait = 0.0
        if limits is not None and limits.remaining <= _SPARE:
            wait = float(limits.reset_in_seconds)
        if response.status_code == 429:
            after = response.headers.get("retry-after", "")
            wait = max(wait, float(after) if after.isdigit() else 0.0)
        if wait:
            self._wait_until = time.monotonic() + min(wait, _LONGEST_WAIT)

    def _keep_within_limits(self) -> None:
        left = self._wait_until - time.monotonic()
        if left > 0:
            self._sleep(left)
