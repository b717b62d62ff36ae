"""Faults on request: wrong, late or broken answers to the next requests, or to a share of them."""

from __future__ import annotations

import random
from dataclasses import asdict, dataclass
from threading import Lock
from typing import Any

from werkzeug.exceptions import GatewayTimeout, TooManyRequests, Unauthorized
from werkzeug.wrappers import Response

# Those that are answered in place of the endpoint come first.
KINDS = ("401", "429", "500", "504", "slow", "half_body", "page_repeats", "page_shrinks")
HTML_500 = "<!doctype html>\n<html><head><title>500</title></head><body><h1>Internal Server Error</h1></body></html>\n"


class FaultError(ValueError):
    """The fault is invalid; the text says why."""


@dataclass(slots=True)
class Fault:
    """A fault for requests whose path ends in `path`: for the next `times`, or for each with probability `rate`.

    `seconds` is how long `slow` takes, and what `429` says in Retry-After.
    """

    kind: str
    path: str = ""
    times: int = 1
    rate: float | None = None
    seconds: float = 1.0

    @classmethod
    def read(cls, data: object, kinds: tuple[str, ...] = KINDS) -> Fault:
        """The fault that a caller sent, of one of these kinds. Raises FaultError if it is invalid."""
        if not isinstance(data, dict) or data.keys() - set(cls.__dataclass_fields__) or "kind" not in data:
            raise FaultError("Send an object with kind, and if wanted path, times or rate, seconds.")
        fault = cls(**data)
        if fault.kind not in kinds:
            raise FaultError(f"kind is one of {', '.join(kinds)}, not {fault.kind!r}.")
        if not isinstance(fault.path, str):
            raise FaultError("path is the end of a path, such as /subscriptions.")
        if type(fault.times) is not int or fault.times < 1:
            raise FaultError("times is a whole number from 1.")
        if fault.rate is not None and not (_is_number(fault.rate) and 0 < fault.rate <= 1):
            raise FaultError("rate is a share above 0 and up to 1.")
        if not _is_number(fault.seconds) or not 0 <= fault.seconds <= 600:
            raise FaultError("seconds is a number from 0 to 600.")
        return fault

    def replacement_response(self) -> Response | None:
        """The answer that replaces the endpoint's; None for kinds that alter the endpoint's own answer."""
        match self.kind:
            case "401":
                raise Unauthorized("dev-id or x-api-key headers are missing")
            case "429":
                raise TooManyRequests("too many requests", retry_after=int(self.seconds))
            case "504":
                raise GatewayTimeout("upstream timed out")
            case "500":
                return Response(HTML_500, status=500, mimetype="text/html")
        return None


class Faults:
    """The planned faults, as long as the process runs."""

    def __init__(self, seed: int) -> None:
        self._random = random.Random(seed)
        self._lock = Lock()
        self._planned: list[Fault] = []

    def plan(self, fault: Fault) -> None:
        with self._lock:
            self._planned.append(fault)

    def planned(self) -> list[dict[str, Any]]:
        with self._lock:
            return [asdict(fault) for fault in self._planned]

    def clear(self) -> None:
        with self._lock:
            self._planned.clear()

    def fault_for(self, path: str) -> Fault | None:
        """The fault for this request, if any; it counts as used."""
        with self._lock:
            for fault in self._planned:
                if not path.endswith(fault.path):
                    continue
                if fault.rate is not None:
                    if self._random.random() < fault.rate:
                        return fault
                    continue
                fault.times -= 1
                if not fault.times:
                    self._planned.remove(fault)
                return fault
        return None


def cut_in_half(answer: Response) -> Response:
    """The answer with half its body and the full Content-Length, as if the connection broke."""
    body = answer.get_data()
    answer.response = [body[: len(body) // 2]]
    answer.headers["Content-Length"] = str(len(body))
    return answer


def _is_number(value: object) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool)
