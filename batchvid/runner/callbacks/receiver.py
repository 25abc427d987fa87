"""The callbacks that one run expects, and what each of them does: it wakes the poll of one task, or nothing."""

from __future__ import annotations

import asyncio
import hashlib
from collections import Counter, deque
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

from batchvid.runner.callbacks.addresses import CallbackAddresses
from batchvid.runner.callbacks.checks import SignatureCheck
from batchvid.runner.callbacks.signatures import Headers

MAX_REMEMBERED = 8  # different callbacks of one attempt: a vendor repeats one that it could not deliver
MAX_CHECKS = 64  # at the same time; what comes beyond them only loses a wake-up


@dataclass(slots=True)
class Expected:
    """An attempt whose vendor may call. `seen` are digests of what it sent."""

    job_id: str
    provider: str
    seen: deque[bytes] = field(default_factory=lambda: deque(maxlen=MAX_REMEMBERED))


class CallbackReceiver:
    """The callbacks of one run. `wake` polls the task of a job soon; it is set before the first callback.

    `counts` are callbacks by what became of them: `woke`, `repeated`, `invalid`, `unknown`, `dropped`.
    """

    def __init__(
        self,
        addresses: CallbackAddresses,
        check_of: Callable[[str], SignatureCheck],
        notice: Callable[[str], None],
    ) -> None:
        self.addresses = addresses
        self.counts: Counter[str] = Counter()
        self.wake: Callable[[str], None] = lambda _job_id: None
        self._check_of = check_of
        self._notice = notice
        self._checks: dict[str, SignatureCheck] = {}
        self._expected: dict[str, Expected] = {}
        self._carried: set[str] = set()
        self._pending: set[asyncio.Task[None]] = set()
        self._reported: set[str] = set()

    def expect(self, job_id: str, attempt: int, provider: str, *, carried: bool) -> None:
        """The vendor of an attempt may call. `carried`: its request is known to name the address."""
        self._expected[self.addresses.token(job_id, attempt)] = Expected(job_id, provider)
        if carried:
            self._carried.add(job_id)
        else:
            self._carried.discard(job_id)

    def is_expected(self, job_id: str) -> bool:
        """Whether the vendor was given an address for the job's task, so that it can be polled less often."""
        return job_id in self._carried

    def find(self, token: str) -> Expected | None:
        """The attempt of a token: one look-up."""
        found = self._expected.get(token)
        if found is None:
            self.counts["unknown"] += 1
        return found

    def accept(self, expected: Expected, headers: Mapping[str, str], body: bytes) -> None:
        """Take a callback that was answered already. Its work is done later, and bounded."""
        if len(self._pending) >= MAX_CHECKS:
            self.counts["dropped"] += 1
            return
        task = asyncio.create_task(self._handle(expected, {k.lower(): v for k, v in headers.items()}, body))
        self._pending.add(task)
        task.add_done_callback(self._pending.discard)

    async def close(self) -> None:
        """End what is pending: only wake-ups are lost."""
        for task in self._pending:
            task.cancel()
        await asyncio.gather(*self._pending, return_exceptions=True)

    async def _handle(self, expected: Expected, headers: Headers, body: bytes) -> None:
        check = self._checks.get(expected.provider)
        if check is None:
            check = self._checks[expected.provider] = self._check_of(expected.provider)
            if check.unchecked:
                self._notice(f"{check.unchecked}. They only make the task be polled")
        if await check.is_valid(headers, body) is False:
            self.counts["invalid"] += 1
            if expected.provider not in self._reported:
                self._reported.add(expected.provider)
                self._notice(
                    f"a callback for {expected.provider} has no valid signature and is ignored; polling continues. If "
                    f"all of them are refused, check callback_secret_env and this machine's clock"
                )
            return
        digest = hashlib.sha256(body).digest()
        if digest in expected.seen:
            self.counts["repeated"] += 1
            return
        expected.seen.append(digest)
        self.counts["woke"] += 1
        self.wake(expected.job_id)
