"""The dialects with readers of their own: where several share one function, only the first of them is tried."""

from __future__ import annotations

import functools
import inspect
from collections.abc import Callable, Sequence
from typing import Any

from batchvid.dialects import DIALECTS
from tests.dialects import CODED

_FIRST = {name: DIALECTS[name] for name in reversed(CODED)}  # a later row of the tables below replaces an earlier one
READERS = list({(value.read_submit, value.read_poll): name for name, value in _FIRST.items()}.values())[::-1]
SUBMIT_READERS = list({value.read_submit: name for name, value in _FIRST.items()}.values())[::-1]


def for_each(names: Sequence[str]) -> Callable[[Callable[..., None]], Callable[..., None]]:
    """Run a test once for each `dialect` of these names, as one test: a thousand tests of a microsecond cost a second.

    A failure shows the dialect among the test's values.
    """

    def decorate(test: Callable[..., None]) -> Callable[..., None]:
        @functools.wraps(test)
        def run(*args: Any, **values: Any) -> None:
            for name in names:
                test(*args, dialect=name, **values)

        signature = inspect.signature(test)
        others = [value for name, value in signature.parameters.items() if name != "dialect"]
        del run.__wrapped__  # pytest reads the signature of what is wrapped
        run.__signature__ = signature.replace(parameters=others)  # type: ignore[attr-defined]
        return run

    return decorate
