"""The tutorial's loop: `requests` without a session, in a pool of threads, its pauses left out."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import requests

from benchmarks.clients import FIELDS, KEY, Work, count


def make(base_url: str, target: Path) -> None:
    """Submit, poll until it is done, fetch in the tutorial's own steps of 8 KiB."""
    headers = {"Authorization": f"Bearer {KEY}"}
    files = {name: (None, value) for name, value in FIELDS.items()}
    task_id = requests.post(f"{base_url}/v1/videos", headers=headers, files=files, timeout=30).json()["id"]
    while True:
        task = requests.get(f"{base_url}/v1/videos/{task_id}", headers=headers, timeout=30).json()
        if task["status"] == "completed":
            break
    with requests.get(task["video_url"], stream=True, timeout=60) as reply, target.open("wb") as file:
        for piece in reply.iter_content(chunk_size=8192):
            file.write(piece)


def make_all(work: Work) -> None:
    """So many at once, one after the other."""
    with ThreadPoolExecutor(work.at_once) as pool:
        made = [pool.submit(make, work.base_url, work.folder / f"{name}.mp4") for name in work.jobs]
        for one in made:
            one.result()


if __name__ == "__main__":
    count(make_all)
