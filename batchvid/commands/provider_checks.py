"""Checks one route of a provider with free requests: whether its wire format is there, and whether the key is right.

Only GET is sent, so nothing is bought: the poll of a task that cannot exist. A reply proves something only if it
differs from the reply to a path that cannot exist, or to a wrong key.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

from batchvid.catalog import Provider
from batchvid.dialects import DIALECTS
from batchvid.dialects.common.json_bodies import parse
from batchvid.dialects.recognition import looks_alike
from batchvid.dialects.server_hints import model_rows
from batchvid.domain.clip_request import ClipRequest
from batchvid.domain.failures import FailureKind
from batchvid.domain.wire import GenerationRequest, Phase, Rejected, Request, Response, Status
from batchvid.errors import UnreadableReply, Unsupported, WireError
from batchvid.near_matches import did_you_mean
from batchvid.net.access import Access
from batchvid.net.provider_probe import MODELS_PATH, probe
from batchvid.redaction import redact
from batchvid.runner.providers.reply_messages import describe_refusal

TASK_ID = "batchvid-doctor-00000000"
MODEL = "batchvid/doctor"  # with an owner: the paths of fal and Replicate begin with it
NO_PATH = "/batchvid-doctor-no-such-path"
WRONG_KEY = "batchvid-doctor-wrong-key"
MAX_BODY_CHARS = 120
MAX_SHOWN_MODELS = 5


@dataclass(frozen=True, slots=True, kw_only=True)
class CheckResult:
    """The result of one check: what was checked, what was found, and how to fix it if it is wrong.

    `is_open`: nothing wrong was found, and nothing is proven.
    """

    what: str
    found: str
    fix: str = ""
    is_open: bool = False

    @property
    def is_ok(self) -> bool:
        """Whether there is nothing to fix."""
        return not self.fix


async def check_provider(
    provider: Provider, dialects: Sequence[str], access: Access
) -> tuple[Response, list[CheckResult]]:
    """The first reply, and what the replies prove of these routes and of the key. Raises WireError without a reply."""
    first, *others = dialects
    response, results = await _check_route(provider, first, access, with_key=True)
    for dialect in others if results[0].is_ok else ():
        _, more = await _check_route(provider, dialect, access, with_key=False)
        results += more[1:]
    return response, results


async def check_own_provider(provider: Provider, models: Sequence[str], access: Access) -> list[CheckResult]:
    """What a provider of the user's own says of these models in its list, and what no free call can show."""
    return [
        await _check_models(provider, models, access),
        CheckResult(
            what=f"{provider.name} submit",
            found="not checked: every submit may be paid. batchvid run --limit 1 tries one clip",
            is_open=True,
        ),
    ]


async def _check_models(provider: Provider, models: Sequence[str], access: Access) -> CheckResult:
    what = f"{provider.name} models"
    try:
        reply = await probe(provider, Request(method="GET", path=MODELS_PATH), access)
    except WireError as exc:
        return CheckResult(what=what, found=f"could not be checked: {redact(str(exc))}", is_open=True)
    listed = [redact(str(row["id"])) for row in model_rows(reply)]
    if not listed:
        found = f"could not be checked: {provider.base_url}{MODELS_PATH} answers HTTP {reply.status} and lists none"
        return CheckResult(what=what, found=found, is_open=True)
    unlisted = [model for model in models if model not in listed]
    if not unlisted:
        shown = f"lists {', '.join(models)}" if models else f"lists {', '.join(listed[:MAX_SHOWN_MODELS])}"
        return CheckResult(what=what, found=shown)
    hint = did_you_mean(unlisted[0], listed) or f"it lists {', '.join(listed[:MAX_SHOWN_MODELS])}"
    found = f"{', '.join(unlisted)}: not in the list of {provider.base_url}{MODELS_PATH}; {hint}"
    return CheckResult(what=what, found=found, is_open=True)


async def _check_route(
    provider: Provider, dialect: str, access: Access, *, with_key: bool
) -> tuple[Response, list[CheckResult]]:
    generation = GenerationRequest(request=ClipRequest(model=MODEL, prompt="doctor"))
    prefix = provider.routes[dialect]
    poll = DIALECTS[dialect].poll(generation, TASK_ID)
    response = await probe(provider, poll, access, prefix=prefix)
    place = poll.path.partition("?")[0].removesuffix(f"/{TASK_ID}")
    url = f"{provider.base_url}{prefix}{place}"
    results = [_reachable(provider, response)]
    if not results[0].is_ok:
        return response, results
    reply = _read(dialect, response)
    no_path = f"/{place.split('/')[1]}{NO_PATH}"  # a web page may answer for all that is outside of the API
    nowhere = await probe(provider, Request(method="GET", path=no_path), access, prefix=prefix)
    submit: Response | None = None
    if looks_alike(response, nowhere) and (path := _submit_path(dialect, generation)):
        submit = await probe(provider, Request(method="GET", path=path), access, prefix=prefix)
    found = _route(provider, dialect, url, reply, exists=not looks_alike(submit or response, nowhere))
    if not found.is_ok and DIALECTS.is_declared(dialect) and _is_json(response):
        found = replace(found, found=f"{found.found}: so this proves nothing", fix="", is_open=True)
    results.append(found)
    if access.has_key and with_key:
        results.append(await _key(provider, dialect, poll, (response, reply), access))
    return response, results


def _is_json(response: Response) -> bool:
    """Whether an API answered, perhaps one that has an own way to say that it does not know a task."""
    return parse(response.body) is not None


def _read(dialect: str, response: Response) -> Status | Rejected | str:
    """What the dialect reads; a text for a reply that is none of it."""
    try:
        return DIALECTS[dialect].read_poll(response, TASK_ID)
    except UnreadableReply as exc:
        return redact(f"HTTP {response.status}: {exc} {exc.body[:MAX_BODY_CHARS]}".strip())


def _submit_path(dialect: str, generation: GenerationRequest) -> str:
    try:
        return DIALECTS[dialect].submit(generation).path
    except Unsupported:
        return ""


def _reachable(provider: Provider, response: Response) -> CheckResult:
    fix = ""
    if 300 <= response.status < 400:
        fix = "base_url redirects to another address: use the address of the API"
    elif response.status >= 500:
        fix = "the provider has a problem: try later"
    return CheckResult(what=f"{provider.name} reachable", found=f"answers HTTP {response.status}", fix=fix)


def _route(provider: Provider, dialect: str, url: str, reply: Status | Rejected | str, *, exists: bool) -> CheckResult:
    what, fix = f"{provider.name} {dialect}", f"check base_url, prefix and dialect: {dialect} is expected at {url}"
    if isinstance(reply, str):
        return CheckResult(what=what, found=f"{url} is not {dialect}: {reply}", fix=fix)
    if isinstance(reply, Rejected):
        words = redact(describe_refusal(reply))
        if reply.kind is FailureKind.AUTH and not provider.has_key:
            fix = f"the server wants a key: write api_key_env: NAME for providers.{provider.name}, and set NAME"
            return CheckResult(what=what, found=f"{url} could not be checked: {words}", fix=fix)
        if reply.kind is FailureKind.AUTH or reply.kind is FailureKind.RATE:
            return CheckResult(what=what, found=f"{url} could not be checked: {words}", is_open=True)
        if reply.provider_wide or not exists:
            return CheckResult(what=what, found=f"{url} is not {dialect}: {words}", fix=fix)
        return CheckResult(what=what, found=f"{url} answers: {words}")
    if not exists:
        return CheckResult(what=what, found=f"{url} answers like a path that does not exist", fix=fix)
    if reply.phase is Phase.UNSEEN:
        return CheckResult(what=what, found=f"{url} answers as {dialect}")
    return CheckResult(what=what, found=f"{url} knows a task that cannot exist ({reply.vendor_status})", fix=fix)


async def _key(
    provider: Provider, dialect: str, poll: Request, polled: tuple[Response, Status | Rejected | str], access: Access
) -> CheckResult:
    """Whether the key is right: a reply proves it only if a wrong key gets a refusal instead."""
    what, fix = (
        f"{provider.name} key test",
        (f"the key in {' and '.join(provider.key_variables) or 'use'} is refused: copy it again, or create a new one"),
    )
    response, reply = polled
    prefix = provider.routes[dialect]
    if _is_refused(response, reply):
        words = redact(describe_refusal(reply)) if isinstance(reply, Rejected) else f"HTTP {response.status}"
        return CheckResult(what=what, found=f"refused: {words}", fix=fix)
    wrong = await probe(provider, poll, access.with_key(WRONG_KEY), prefix=prefix)
    refusal = _read(dialect, wrong)
    if _is_refused(wrong, refusal):
        code = f" with {refusal.code}" if wrong.status < 300 and isinstance(refusal, Rejected) else ""
        return CheckResult(what=what, found=f"accepted; a wrong key gets HTTP {wrong.status}{code}")
    models = Request(method="GET", path=MODELS_PATH)
    listed, wrong = [await probe(provider, models, one) for one in (access, access.with_key(WRONG_KEY))]
    if _is_refused(listed):
        return CheckResult(what=what, found=f"refused: {MODELS_PATH} answers HTTP {listed.status}", fix=fix)
    if _is_refused(wrong):
        return CheckResult(what=what, found=f"accepted by {MODELS_PATH}; a wrong key gets HTTP {wrong.status}")
    return CheckResult(what=what, found="key could not be checked: a wrong key gets the same reply", is_open=True)


def _is_refused(response: Response, reply: Status | Rejected | str = "") -> bool:
    if isinstance(reply, Rejected) and reply.kind is FailureKind.AUTH:
        return True
    return response.status == 401 or (response.status == 403 and not isinstance(reply, Rejected))
