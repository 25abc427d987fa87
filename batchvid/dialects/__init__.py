"""Every wire format: a dialect is four pure functions from value to value.

A dialect is a module of this folder. It knows no clock, random, file, socket or environment, and no key.
"""

from __future__ import annotations

from typing import Protocol

from batchvid.dialects import gateway, kling, newapi, openai_videos, runway, seedance, veo, videos, xai
from batchvid.domain.wire import Accepted, GenerationRequest, Rejected, Request, Response, Status, Uncertain


class Dialect(Protocol):
    """The functions of a dialect module."""

    def submit(self, generation: GenerationRequest) -> Request:
        """Build the submit request. Also called while planning, with empty image data, for its checks.

        Raises `errors.Unsupported` for anything that the wire does not support: nothing is dropped silently.
        """

    def read_submit(
        self, response: Response, *, sent: GenerationRequest | None = None
    ) -> Accepted | Rejected | Uncertain:
        """Read the reply to a submit. Never raises: what cannot be read is `Uncertain`.

        `sent` is the request: a vendor's message may repeat its words and ids, and these prove nothing.
        """

    def poll(self, generation: GenerationRequest, task_id: str) -> Request:
        """Build the poll request. `generation` is the one submitted: some paths depend on it."""

    def read_poll(self, response: Response, task_id: str, *, prompt: str = "") -> Status | Rejected:
        """Read the reply to a poll: a `Status` speaks of the task, a `Rejected` only of this one poll.

        A failed task is a value, too. What the reply quotes of the `prompt` is not searched for a meaning. Raises
        `errors.UnreadableReply` for a 2xx that is not of the dialect.
        """


DIALECTS: dict[str, Dialect] = {
    "veo": veo,
    "openai-videos": openai_videos,
    "seedance": seedance,
    "videos": videos,
    "kling": kling,
    "runway": runway,
    "xai": xai,
    "gateway": gateway,
    "newapi": newapi,
}
"""Every dialect by the name that the catalogue uses."""
