"""A certificate for loopback, made when it is needed, and how every client comes to trust it. Knows no client."""

from __future__ import annotations

import subprocess
from dataclasses import dataclass
from pathlib import Path

NAMES = "subjectAltName=IP:127.0.0.1,DNS:localhost"


@dataclass(frozen=True, slots=True, kw_only=True)
class Trust:
    """The vendor's certificate and its key, and the `bundle` of authorities that it is one of."""

    certificate: Path
    key: Path
    bundle: Path

    @property
    def settings(self) -> dict[str, str]:
        """What the vendor needs."""
        return {"certificate": str(self.certificate), "key": str(self.key)}

    @property
    def environment(self) -> dict[str, str]:
        """What makes a client trust it: the ssl module and httpx look at the first, requests at the second."""
        return {"SSL_CERT_FILE": str(self.bundle), "REQUESTS_CA_BUNDLE": str(self.bundle)}


def make_trust(openssl: str, folder: Path, public: Path) -> Trust:
    """Make a key and a certificate that is its own authority, and lay it beside the `public` authorities.

    The public ones stay in the bundle because reading them is what a client pays for that opens it with every call.
    Raises subprocess.CalledProcessError when openssl does not make it.
    """
    trust = Trust(certificate=folder / "vendor.pem", key=folder / "vendor.key", bundle=folder / "bundle.pem")
    subprocess.run(
        [openssl, "req", "-x509", "-nodes", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-days", "2",
         "-subj", "/CN=localhost", "-addext", NAMES, "-keyout", trust.key, "-out", trust.certificate],
        check=True,
        capture_output=True,
    )  # fmt: skip
    trust.bundle.write_bytes(public.read_bytes() + b"\n" + trust.certificate.read_bytes())
    return trust
