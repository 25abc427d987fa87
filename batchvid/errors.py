"""Every error of batchvid as one tree; each class carries the exit code and says what the user should do.

BatchvidError                  1
├── UsageError                 2   the command line asks for something that cannot be
├── ManifestError              2   the manifest has problems (all of them, each with file:line)
├── StateError                 1   the state file cannot be read or written
│   ├── StateLocked            4   another run holds the state file
│   └── StateTooNew            2   written by a newer batchvid
├── IllegalEvent               1   an event that the job's state does not allow (a bug, never the user's fault)
├── WireError                  1   talking to a provider went wrong
│   ├── NotSent                1   surely nothing reached the provider: may be sent again
│   ├── ReplyLost              1   the request may have been acted on: never sent again by itself
│   ├── ReplyTooLarge          1   the reply is larger than any honest one
│   └── UnreadableReply        1   the reply is not of the dialect; the body is attached
├── Unsupported                2   a dialect cannot say what the job asks (raised at plan time)
├── DownloadError              1   an asset could not be fetched
│   ├── LinkDead               1   401, 403, 404 or 410: ask the task again for a fresh link
│   ├── LinkRefused            1   the link leads into a private network: allow_private_links, or another link
│   └── BadMedia               1   what came down is not the clip that was asked for
└── StorageError               1   the clip could not be written here
    └── DiskFull               1   the disk is full, or nearly: make room, nothing paid for is lost
"""

from collections.abc import Sequence


class BatchvidError(Exception):
    """Something went wrong that the user can be told about in a sentence or two."""

    exit_code = 1


class UsageError(BatchvidError):
    """The command line asks for something that cannot be."""

    exit_code = 2


class ManifestError(BatchvidError):
    """The manifest has problems. `problems` holds one line each: `file:line: entry: what is wrong and allowed`."""

    exit_code = 2

    def __init__(self, problems: Sequence[str]) -> None:
        super().__init__("\n".join(problems))
        self.problems = tuple(problems)


class StateError(BatchvidError):
    """The state file cannot be read or written."""


class StateLocked(StateError):
    """Another run holds the state file."""

    exit_code = 4


class StateTooNew(StateError):
    """The state file was written by a newer batchvid: upgrade, nothing was changed."""

    exit_code = 2


class IllegalEvent(BatchvidError):
    """An event that the job's state does not allow. The job is unchanged."""


class WireError(BatchvidError):
    """Talking to a provider went wrong."""


class NotSent(WireError):
    """Surely nothing reached the provider (no connection, TLS refused): it may be sent again."""


class ReplyLost(WireError):
    """The request went out and no verdict came back: it may have been acted on, so never sent again by itself."""


class ReplyTooLarge(ReplyLost):
    """The reply is larger than any honest one: treated like a lost one."""


class UnreadableReply(WireError):
    """The reply is not of the dialect. `body` is its beginning, for the log."""

    def __init__(self, message: str, body: str = "") -> None:
        super().__init__(message)
        self.body = body


class Unsupported(BatchvidError):
    """A dialect cannot say what the job asks. `field` is the manifest's word, `reason` names what is allowed."""

    exit_code = 2

    def __init__(self, field: str, reason: str) -> None:
        super().__init__(f"{field}: {reason}")
        self.field = field
        self.reason = reason


class DownloadError(BatchvidError):
    """An asset could not be fetched this time; trying again may help."""


class LinkDead(DownloadError):
    """The link answers 401, 403, 404 or 410: ask the task again for a fresh one."""


class LinkRefused(DownloadError):
    """The link leads to an address that it may not lead to: nothing was asked there."""


class BadMedia(DownloadError):
    """What came down is not the clip that was asked for."""


class StorageError(BatchvidError):
    """The clip could not be written here: a full disk, a missing right."""


class DiskFull(StorageError):
    """The disk is full, or nearly so: with `wanted_bytes` of room the clip is fetched from where it stopped."""

    def __init__(self, message: str, wanted_bytes: int = 0) -> None:
        super().__init__(message)
        self.wanted_bytes = wanted_bytes
