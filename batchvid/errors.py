"""Every error of batchvid as one tree. Each class has an exit code; each message says what to do.

BatchvidError                  1
├── UsageError                 2   the command line is not valid
│   ├── DefinitionError        2   a wire format in a TOML file has problems (all of them, each with file:line)
│   └── MissingExtra           2   an optional library is not installed
├── ManifestError              2   the manifest has problems (all of them, each with file:line)
├── StateError                 1   the state file cannot be read or written
│   ├── StateLocked            4   another run holds the state file
│   │   └── StateTakenOver     4   another run opened the state file while this one ran
│   └── StateTooNew            2   written by a newer batchvid
├── IllegalEvent               1   an event that the job's state does not allow (a bug)
├── WireError                  1   talking to a provider went wrong
│   ├── NotSent                1   nothing reached the provider: safe to send again
│   │   └── NotAuthenticated   1   nothing was sent, because no valid token can be made
│   ├── ReplyLost              1   the request may have been processed: never resent automatically
│   │   └── ReplyCut           1   the reply broke off; what came of it is attached
│   ├── ReplyTooLarge          1   the reply is larger than any valid one
│   └── UnreadableReply        1   the reply does not parse; the body is attached
├── Unsupported                2   the wire format cannot express the job (raised at plan time)
├── DownloadError              1   an asset could not be downloaded
│   ├── LinkDead               1   a 4xx: the clip is not there yet, or not at this link any more
│   │   └── LinkGone           1   410: the clip is not at this link any more
│   ├── ClipNotReady           1   a text instead of a clip: it may follow later
│   ├── IncompleteClip         1   the file ends before its own index says
│   ├── LinkRefused            1   the link leads into a private network: allow_private_links, or another link
│   └── BadMedia               1   the file is not the requested clip
└── StorageError               1   the clip could not be written here
    ├── DiskFull               1   the disk is (nearly) full: make room, nothing paid for is lost
    └── DiskFailed             1   nothing can be written to the disk, whatever the file
"""

from collections.abc import Mapping, Sequence


class BatchvidError(Exception):
    """An error that a short message explains to the user."""

    exit_code = 1


class UsageError(BatchvidError):
    """The command line is not valid."""

    exit_code = 2


class DefinitionError(UsageError):
    """A wire format in a TOML file has problems. `problems` holds one line each: `file:line: key: what is wrong`."""

    def __init__(self, problems: Sequence[str]) -> None:
        super().__init__("\n".join(problems))
        self.problems = tuple(problems)


class MissingExtra(UsageError):
    """An optional library is not installed. `install` is the line that installs it."""

    def __init__(self, message: str, install: str) -> None:
        super().__init__(f"{message}: {install}")
        self.install = install


class ManifestError(BatchvidError):
    """The manifest has problems. `problems` holds one line each: `file:line: entry: what is wrong and allowed`.

    `notes` are what rules make of the manifest, where the user may not expect it: they may explain a problem, and so
    may `warnings`.
    """

    exit_code = 2

    def __init__(self, problems: Sequence[str], notes: Sequence[str] = (), warnings: Sequence[str] = ()) -> None:
        super().__init__("\n".join(problems))
        self.problems = tuple(problems)
        self.notes = tuple(notes)
        self.warnings = tuple(warnings)


class StateError(BatchvidError):
    """The state file cannot be read or written."""


class StateLocked(StateError):
    """Another run holds the state file."""

    exit_code = 4


class StateTakenOver(StateLocked):
    """Another run opened the state file for writing while this one ran: this one may write nothing more."""


class StateTooNew(StateError):
    """The state file was written by a newer batchvid: upgrade, nothing was changed."""

    exit_code = 2


class IllegalEvent(BatchvidError):
    """An event that the job's state does not allow. The job is unchanged."""


class WireError(BatchvidError):
    """Talking to a provider went wrong."""


class NotSent(WireError):
    """Nothing reached the provider (no connection, TLS refused): safe to send again."""


class NotAuthenticated(NotSent):
    """Nothing was sent, because no valid token can be made: another try does not help."""


class ReplyLost(WireError):
    """The request was sent and no reply came: it may have been processed, so it is never resent automatically."""


class ReplyCut(ReplyLost):
    """The reply broke off inside its body. `status`, `headers` and `body` are what came: they may name a task."""

    def __init__(self, message: str, *, status: int, headers: Mapping[str, str], body: bytes) -> None:
        super().__init__(message)
        self.status = status
        self.headers = headers
        self.body = body


class ReplyTooLarge(ReplyLost):
    """The reply is larger than any valid one: treated as lost."""


class UnreadableReply(WireError):
    """The reply does not parse. `body` is its beginning, for the log."""

    def __init__(self, message: str, body: str = "") -> None:
        super().__init__(message)
        self.body = body


class Unsupported(BatchvidError):
    """The wire format cannot express the job. `field` is the manifest's key, `reason` names what is allowed."""

    exit_code = 2

    def __init__(self, field: str, reason: str) -> None:
        super().__init__(f"{field}: {reason}")
        self.field = field
        self.reason = reason


class DownloadError(BatchvidError):
    """An asset could not be downloaded; another try may help."""


class LinkDead(DownloadError):
    """The link answers with a 4xx: the clip is not there yet, or not any more. A poll may give another link."""


class LinkGone(LinkDead):
    """The link answers 410: the clip is not there any more."""


class ClipNotReady(DownloadError):
    """A page, an error or nothing came instead of a clip: it may follow later."""


class IncompleteClip(DownloadError):
    """The file ends before its own index, fragments or elements say."""


class LinkRefused(DownloadError):
    """The link leads to an address that is not allowed: no request was sent."""


class BadMedia(DownloadError):
    """The downloaded file is not the requested clip.

    `plays`: it is a clip all the same. `digest` is the SHA-256 of the file, empty if there is none.
    """

    def __init__(self, message: str, *, plays: bool = False, digest: str = "") -> None:
        super().__init__(message)
        self.plays = plays
        self.digest = digest


class StorageError(BatchvidError):
    """The clip could not be written here: a full disk, a missing right."""


class DiskFull(StorageError):
    """The disk is (nearly) full: with `wanted_bytes` of room the download resumes."""

    def __init__(self, message: str, wanted_bytes: int = 0) -> None:
        super().__init__(message)
        self.wanted_bytes = wanted_bytes


class DiskFailed(StorageError):
    """Nothing can be written to the disk, whatever the file: read-only, unplugged.

    `is_permission`: this user may not write there, and waiting changes nothing.
    """

    def __init__(self, message: str, *, is_permission: bool = False) -> None:
        super().__init__(message)
        self.is_permission = is_permission
