"""Looks for the task of a lost submit in the account's own list of tasks, by the account's access token.

The list has models and times, but no prompts: see `tasks_by_model` (task_matching.py).
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta
from typing import ClassVar

from batchvid.catalog import Provider
from batchvid.dialects.common.outcome_rules import missed_reply
from batchvid.domain.failures import FailureKind
from batchvid.domain.jobs import Job
from batchvid.domain.wire import Candidate, Rejected
from batchvid.errors import WireError
from batchvid.net.account_client import Send, fetch_tasks
from batchvid.net.account_pages import AccountRefused
from batchvid.runner.submission.task_matching import MAX_CLOCK_SKEW_S, MAX_CREATION_DELAY_S


@dataclass(frozen=True, slots=True)
class AccountLookup:
    """The query of `lookup: account`; the fields are those of `LookupMethod`."""

    where: ClassVar[str] = "in the account's list of tasks"
    replays: ClassVar[bool] = False
    kept_s: ClassVar[float | None] = None  # nothing is documented


ACCOUNT_LOOKUP = AccountLookup()


def needed_token(provider: Provider) -> str:
    """The name of the variable with the token that the list needs."""
    return provider.account.token_env if provider.account else ""


async def account_tasks(provider: Provider, job: Job, send: Send) -> tuple[Candidate, ...] | Rejected:
    """Every task of the account from the minutes around the job's call."""
    if job.submitted_at is None:
        return Rejected(kind=FailureKind.INVALID, message="the time of the call is not known", provider_wide=True)
    since = job.submitted_at - timedelta(seconds=MAX_CLOCK_SKEW_S)
    until = job.submitted_at + timedelta(seconds=MAX_CREATION_DELAY_S)
    try:
        return await fetch_tasks(provider, send, since=since, until=until)
    except AccountRefused as exc:
        return Rejected(kind=FailureKind.AUTH, message=f"{exc}; check the token in {needed_token(provider)}")
    except WireError as exc:
        return missed_reply(exc)
