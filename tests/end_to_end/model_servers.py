"""Small servers that answer as SGLang, vLLM-Omni and LiteLLM do, written from the sources of sglang 0.5.23, vllm-omni
0.30.0 and litellm 1.110.2, and not from the emulator.

Each keeps its tasks in memory. A task is queued, then in progress, then done: completed, or failed if its prompt
holds "bad".
"""

from __future__ import annotations

import base64
import email
import email.policy
import json
import re
import threading
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qs, unquote, urlsplit

Reply = tuple[int, Any]
"""HTTP status, and JSON or the bytes of a clip."""


@dataclass
class Call:
    """One call: the raw path with its query, the headers, and the fields of the body, files as bytes."""

    method: str
    path: str
    headers: dict[str, str]
    body: dict[str, Any]
    is_form: bool

    @property
    def steps(self) -> list[str]:
        """The path's steps, each decoded."""
        return [unquote(step) for step in urlsplit(self.path).path.strip("/").split("/")]

    @property
    def query(self) -> dict[str, list[str]]:
        return parse_qs(urlsplit(self.path).query)


@dataclass
class ModelServer:
    """What all have in common."""

    clip: bytes
    base_url: str = ""
    calls: list[Call] = field(default_factory=list)
    jobs: dict[str, dict[str, Any]] = field(default_factory=dict)
    prompts: dict[str, str] = field(default_factory=dict)
    polls: dict[str, int] = field(default_factory=dict)
    aborted: list[str] = field(default_factory=list)

    def restart(self) -> None:
        """Forget every task."""
        self.jobs.clear()

    def answer(self, call: Call) -> Reply:
        """The reply to one call."""
        match call.method, call.steps:
            case "POST", ["v1", "videos"]:
                return self.create(call)
            case "GET", ["v1", "videos", task_id]:
                return self.retrieve(task_id)
            case "GET", ["v1", "videos", task_id, "content"]:
                return self.content(call, task_id)
            case "DELETE", ["v1", "videos", task_id]:
                return self.delete(task_id)
            case _:
                return 404, {"detail": "Not Found"}

    def create(self, call: Call) -> Reply:
        raise NotImplementedError

    def delete(self, _task_id: str) -> Reply:
        return 405, {"detail": "Method Not Allowed"}

    def store(self, job: dict[str, Any], prompt: str) -> Reply:
        self.jobs[job["id"]], self.prompts[job["id"]], self.polls[job["id"]] = job, prompt, 0
        return 200, job

    def advance(self, task_id: str) -> str:
        """The task's word at its next poll."""
        self.polls[task_id] += 1
        ended = "failed" if "bad" in self.prompts[task_id] else "completed"
        return ("queued", "in_progress", ended)[min(self.polls[task_id], 3) - 1]

    def retrieve(self, task_id: str) -> Reply:
        raise NotImplementedError

    def content(self, call: Call, task_id: str) -> Reply:
        raise NotImplementedError


@dataclass
class SGLang(ModelServer):
    """The routes create_video, retrieve_video, delete_video and download_video_content; the model VideoResponse."""

    uploads_to: str = ""
    """Where clips are uploaded; then the content route refuses them."""

    def create(self, call: Call) -> Reply:
        form = call.body
        if call.is_form and not form.get("prompt"):
            return 400, {"detail": "prompt is required"}
        for name in ("seconds", "fps", "seed", "num_inference_steps"):
            if call.is_form and name in form and not re.fullmatch(r"-?\d+", str(form[name])):
                return 422, {"detail": [{"type": "int_parsing", "loc": ["body", name], "msg": "not an integer"}]}
        task_id = str(uuid.uuid4())
        empty = dict.fromkeys(("url", "urls", "remixed_from_video_id", "completed_at", "expires_at", "error"))
        job = {
            "id": task_id, "object": "video", "model": form.get("model") or "sora-2", "status": "queued", "progress": 0,
            "created_at": 1796050000, "size": form.get("size") or "832x480", "seconds": str(form.get("seconds") or 4),
            "quality": "standard", **empty, "file_path": f"/outputs/{task_id}.mp4", "file_paths": None,
        }  # fmt: skip
        return self.store(job, form["prompt"])

    def retrieve(self, task_id: str) -> Reply:
        if task_id not in self.jobs:
            return 404, {"detail": "Video not found"}
        job, word = self.jobs[task_id], self.advance(task_id)
        job |= {"status": word, "progress": {"queued": 0, "in_progress": 99, "completed": 100}.get(word, 99)}
        if word == "failed":
            job |= {"error": {"message": "CUDA out of memory"}, "file_path": None}
        if word == "completed":
            link = f"{self.base_url}{self.uploads_to}" if self.uploads_to else None
            job |= {"url": link, "urls": [link], "file_paths": [None if link else job["file_path"]], "num_outputs": 1}
        return 200, job

    def delete(self, task_id: str) -> Reply:
        job = self.jobs.pop(task_id, None)
        return (200, {**job, "status": "deleted"}) if job else (404, {"detail": "Video not found"})

    def content(self, call: Call, task_id: str) -> Reply:
        if task_id not in self.jobs:
            return 404, {"detail": "Video not found"}
        job, variant = self.jobs[task_id], call.query.get("variant", ["0"])[0]
        if job["url"]:
            link = f"Please use the cloud URL: {job['url']}"
            return 400, {"detail": f"Video has been uploaded to cloud storage. {link}"}
        if job["status"] not in ("completed", "failed"):
            return 404, {"detail": "Generation is still in-progress"}
        if not job["file_path"] or variant != "0":
            return 404, {"detail": f"Video variant {variant} not found"}
        return 200, self.clip

    def answer(self, call: Call) -> Reply:
        if self.uploads_to and call.steps == self.uploads_to.strip("/").split("/"):
            return 200, self.clip
        return super().answer(call)


@dataclass
class VllmOmni(ModelServer):
    """The routes create_video, retrieve_video, delete_video and download_video; the form of _parse_video_form."""

    failure: int = 500
    """The HTTP status of a failed task."""

    def create(self, call: Call) -> Reply:
        form = call.body
        if not call.is_form or "prompt" not in form:
            return 422, {"detail": [{"type": "missing", "loc": ["body", "prompt"], "msg": "Field required"}]}
        for name, pattern in {"seconds": r"[1-9]\d*", "size": r"\d+x\d+"}.items():
            if name in form and not re.fullmatch(pattern, form[name]):
                return 422, {"detail": [{"type": "string_pattern_mismatch", "loc": ["body", name], "msg": pattern}]}
        if "input_reference" in form and "image_reference" in form:
            return 400, {"detail": "Provide only one of input_reference, image_reference, or video_reference"}
        job = {
            "model": form.get("model"), "prompt": form["prompt"], "id": f"video_gen_{uuid.uuid4().hex}",
            "object": "video", "status": "queued", "size": form.get("size"), "progress": 0,
            "seconds": form.get("seconds", "4"), "quality": "default", "completed_at": None, "created_at": 1796050000,
            "remixed_from_video_id": None, "error": None, "media_type": "video/mp4", "file_name": None,
        }  # fmt: skip
        return self.store(job, form["prompt"])

    def retrieve(self, task_id: str) -> Reply:
        if task_id not in self.jobs:
            return 404, {"detail": "Video not found"}
        job, word = self.jobs[task_id], self.advance(task_id)
        job |= {"status": word}
        if word == "failed":
            job |= {"error": {"code": self.failure, "message": "the engine refused the request"}}
            return self.failure, job
        if word == "completed":
            job |= {"progress": 100, "file_name": f"{task_id}.mp4"}
        return 200, job

    def delete(self, task_id: str) -> Reply:
        if self.jobs.pop(task_id, None) is None:
            return 404, {"detail": "Video not found"}
        self.aborted.append(task_id)
        return 200, {"id": task_id, "deleted": True, "object": "video.deleted"}

    def content(self, call: Call, task_id: str) -> Reply:
        job = self.jobs.get(task_id)
        if job is None or not (job["file_name"] or job["status"] == "failed"):
            return 404, {"detail": "Generation is still in-progress"}
        if job["status"] == "failed":
            return 422, {"detail": "Video generation failed. Check job status for error details."}
        return 200, self.clip


@dataclass
class LiteLLM(ModelServer):
    """Its route video_generation, and ids of encode_video_id_with_provider. It repeats failed calls by default."""

    fails_first: bool = False
    """The vendor behind it fails the first call."""
    bought: int = 0

    def create(self, call: Call) -> Reply:
        if call.headers.get("authorization") != "Bearer sk-1234":
            message = "Authentication Error, Invalid proxy server token passed"
            return 401, {"error": {"message": message, "type": "auth_error", "param": "None", "code": "401"}}
        for _ in range(1 + int(call.headers.get("x-litellm-num-retries", "2"))):
            self.bought += 1
            if self.fails_first and self.bought == 1:
                continue
            return self._accept(call.body)
        message = "litellm.InternalServerError: OpenAIException - Connection error."
        return 500, {"error": {"message": message, "type": None, "param": None, "code": "500"}}

    def _accept(self, body: dict[str, Any]) -> Reply:
        inner = f"litellm:custom_llm_provider:gemini;model_id:veo;video_id:models/veo/operations/{uuid.uuid4().hex}ab"
        job = {
            "id": f"video_{base64.b64encode(inner.encode()).decode()}", "object": "video", "status": "processing",
            "created_at": 1796050000, "completed_at": None, "expires_at": None, "error": None, "progress": 0,
            "remixed_from_video_id": None, "seconds": body.get("seconds"), "size": body.get("size"),
            "model": body["model"], "usage": {"duration_seconds": 4.0},
        }  # fmt: skip
        return self.store(job, body["prompt"])

    def retrieve(self, task_id: str) -> Reply:
        if task_id not in self.jobs:
            message = "litellm.NotFoundError: Video not found"
            return 404, {"error": {"message": message, "type": None, "param": None, "code": "404"}}
        job, word = self.jobs[task_id], self.advance(task_id)
        job |= {"status": "processing" if word in ("queued", "in_progress") else word}
        if word == "failed":
            job |= {"error": {"code": "3", "message": "Veo could not generate videos"}}
        return 200, job

    def content(self, _call: Call, task_id: str) -> Reply:
        job = self.jobs.get(task_id, {"status": ""})
        if job["status"] != "completed":
            return 500, {"error": {"message": "litellm.APIError: no video", "code": "500"}}
        return 200, self.clip


@contextmanager
def serving(server: ModelServer) -> Iterator[ModelServer]:
    """The server on loopback, on a thread."""

    class Handler(BaseHTTPRequestHandler):
        def handle_call(self) -> None:
            raw = self.rfile.read(int(self.headers.get("Content-Length") or 0))
            kind = self.headers.get("Content-Type", "")
            is_form = kind.startswith("multipart/form-data")
            body = _form(kind, raw) if is_form else json.loads(raw or b"{}")
            headers = {name.lower(): value for name, value in self.headers.items()}
            call = Call(self.command, self.path, headers, body, is_form)
            server.calls.append(call)
            status, answer = server.answer(call)
            data = answer if isinstance(answer, bytes) else json.dumps(answer).encode()
            self.send_response_only(status)
            self.send_header("Content-Type", "video/mp4" if isinstance(answer, bytes) else "application/json")
            self.send_header("Content-Length", str(len(data)))
            self.end_headers()
            self.wfile.write(data)

        do_GET = do_POST = do_DELETE = handle_call  # noqa: N815 - the library's names

        def log_message(self, *_: object) -> None:
            """Is silent."""

    http = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.base_url = f"http://127.0.0.1:{http.server_port}"
    thread = threading.Thread(target=http.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    try:
        yield server
    finally:
        http.shutdown()
        thread.join()
        http.server_close()


def _form(kind: str, raw: bytes) -> dict[str, Any]:
    """The fields of a multipart body: texts, and files as bytes."""
    head = f"Content-Type: {kind}\r\n\r\n".encode()
    message = email.message_from_bytes(head + raw, policy=email.policy.HTTP)
    found: dict[str, Any] = {}
    for part in message.iter_parts():
        payload = part.get_payload(decode=True)
        assert isinstance(payload, bytes)
        name = part.get_param("name", header="content-disposition")
        found[str(name)] = payload if part.get_filename() else payload.decode()
    return found
