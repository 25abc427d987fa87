"""A clip to download, what was tried for it in this run, and the next step after failures. Pure."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from enum import Enum, auto

from batchvid.domain.job_spec import Clip
from batchvid.domain.wire import Asset
from batchvid.errors import BadMedia, DownloadError, LinkDead, LinkGone, LinkRefused


@dataclass(slots=True)
class Progress:
    """What this run did for the clips of one job, over all links that it got.

    `clips` are stored, by output. `rounds` counts the sets of links that failed, `fresh_links` those that were
    requested after a failure. `waited_s` is spent between tries, `spent_s` in them. `bad_digests` are files that were
    no clip. `lifetime_passed`: the first links were older than they live.
    """

    clips: dict[int, Clip] = field(default_factory=dict)
    failures: list[DownloadError] = field(default_factory=list)
    rounds: int = 0
    fresh_links: int = 0
    waited_s: float = 0.0
    spent_s: float = 0.0
    bad_digests: set[str] = field(default_factory=set)
    lifetime_passed: bool = False

    def first(self, kind: type[DownloadError] = DownloadError) -> DownloadError:
        """The first failure of that kind: later ones often only follow from it."""
        return next(failure for failure in self.failures if isinstance(failure, kind))

    def may_pass(self, failures: Sequence[BadMedia]) -> bool:
        """Whether another download may give another verdict: the bytes decide, so only a damaged file may, once."""
        digests = {failure.digest for failure in failures}
        new = not digests & self.bad_digests and not any(failure.plays for failure in failures)
        self.bad_digests |= digests
        return bool(failures) and new


@dataclass(order=True, slots=True)
class DownloadItem:
    """The links of one job from one reply, sorted by their expiry. `tries` counts failures of one asset in a row.

    `failed` has the error of each asset that is not tried again.
    """

    priority: datetime
    number: int
    job_id: str = field(compare=False)
    assets: tuple[Asset, ...] = field(compare=False)
    resumed: bool = field(default=False, compare=False)
    tries: int = field(default=0, compare=False)
    failed: dict[Asset, DownloadError] = field(default_factory=dict, compare=False)

    @property
    def outputs(self) -> Mapping[int, Sequence[Asset]]:
        """The assets by the number of their clip, in the order in which to try them."""
        grouped: dict[int, list[Asset]] = {}
        for asset in self.assets:
            grouped.setdefault(asset.output, []).append(asset)
        return dict(sorted(grouped.items()))

    def give_up(self, asset: Asset, failure: DownloadError) -> None:
        """Continue with the next asset."""
        self.failed[asset] = failure
        self.tries = 0


class Step(Enum):
    """What follows when no link of a reply gives the clip."""

    WAIT = auto()
    """Wait, then poll the task for other links."""
    LEAVE = auto()
    """The clip stays ready: another run may fetch it, or the user must permit it first."""
    EXPIRED = auto()
    """The clip is gone for certain."""
    BAD_MEDIA = auto()
    """The file is whole, and not the requested clip."""


def next_step(failures: Sequence[DownloadError], progress: Progress, *, patience_s: float) -> Step:
    """The step after these failures of one reply's links; none means that the reply named no link.

    A link that fails is no proof that the clip is gone: vendors say "finished" before they can deliver.
    """
    asked_again = progress.fresh_links > 0
    dead = [failure for failure in failures if isinstance(failure, LinkDead)]
    is_gone = progress.lifetime_passed or all(isinstance(failure, LinkGone) for failure in dead)
    if dead and len(dead) == len(failures) and asked_again and is_gone:
        return Step.EXPIRED
    final = [failure for failure in failures if isinstance(failure, BadMedia | LinkRefused)]
    bad = [failure for failure in final if isinstance(failure, BadMedia)]
    if failures and len(final) == len(failures) and not progress.may_pass(bad):
        return Step.BAD_MEDIA if bad else Step.LEAVE
    return Step.WAIT if progress.waited_s < patience_s else Step.LEAVE
