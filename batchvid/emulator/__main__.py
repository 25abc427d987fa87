"""`python -m batchvid.emulator`: runs the emulator as its own process and prints its address as one JSON line."""

from __future__ import annotations

import argparse
import json
import sys

from pydantic import ValidationError

from batchvid.emulator import FaultError, Settings, serve


def main() -> int:
    """Parse the arguments and serve until stopped. Exit code 2: invalid settings, or the port is taken."""
    parser = argparse.ArgumentParser(prog="python -m batchvid.emulator", description=__doc__)
    parser.add_argument("--host", default="127.0.0.1")
    parser.add_argument("--port", type=int, default=0, help="0: any free port")
    parser.add_argument("--settings", default="{}", help="the settings as a JSON object")
    parser.add_argument("--die-with-parent", action="store_true", help="end when standard input does")
    args = parser.parse_args()

    def announce(base_url: str) -> None:
        print(json.dumps({"base_url": base_url}), flush=True)

    try:
        settings = Settings.model_validate_json(args.settings)
        serve(settings, args.host, args.port, announce, die_with_parent=args.die_with_parent)
    except (ValidationError, FaultError, ValueError, OSError) as exc:
        print(exc, file=sys.stderr)
        return 2
    return 0


if __name__ == "__main__":
    sys.exit(main())
