"""How a provider recognizes its caller, as data: which header, which kind of token, and the names of the variables."""

from __future__ import annotations

import re
from typing import Annotated, Literal, Self

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, model_validator

AUTHORIZATION = "Authorization"
BEARER = "Bearer"
MAX_WORD_CHARS = 40
RESERVED_HEADERS = frozenset(
    {
        "accept", "accept-encoding", "connection", "content-encoding", "content-length", "content-type", "cookie",
        "expect", "host", "proxy-authorization", "range", "te", "trailer", "transfer-encoding", "upgrade", "user-agent",
    }
)  # fmt: skip
_TOKEN = re.compile(r"[A-Za-z0-9!#$%&'*+.^_`|~-]+")  # RFC 9110: what names a header and a scheme
_LOOKS_LIKE_A_KEY = (
    "looks like the key itself: remove it from the file, and create a new key if the file was shared"
)  # fmt: skip


def check_variable_name(name: str) -> str:
    """The name of an environment variable. Raises ValueError, which never repeats it: it may be the key itself."""
    if _looks_like_key(name):
        raise ValueError(f"must be the NAME of an environment variable, such as GW_KEY, and this {_LOOKS_LIKE_A_KEY}")
    if not re.fullmatch(r"[A-Za-z_][A-Za-z0-9_]{0,63}", name):
        raise ValueError("must be the name of an environment variable, such as GW_KEY")
    return name


def _looks_like_key(name: str) -> bool:
    has_digits, is_long = any(c.isdigit() for c in name), len(name) >= 20
    dense = is_long and "_" not in name and has_digits
    mixed = is_long and name not in (name.upper(), name.lower()) and has_digits
    return dense or mixed or name.startswith(("sk-", "Bearer "))


def _header_name(name: str) -> str:
    if _looks_like_key(name):
        raise ValueError(f"must be the name of a header, such as x-api-key, and this {_LOOKS_LIKE_A_KEY}")
    if not _TOKEN.fullmatch(name) or len(name) > MAX_WORD_CHARS:
        raise ValueError("must be the name of a header, such as x-api-key")
    if name.lower() in RESERVED_HEADERS:
        raise ValueError(f"{name} is a header with another purpose: no key can be sent in it")
    return name


def _scheme(word: str) -> str:
    if _looks_like_key(word):
        raise ValueError(f"must be the word before the key, such as Key, and this {_LOOKS_LIKE_A_KEY}")
    if word and (not _TOKEN.fullmatch(word) or len(word) > MAX_WORD_CHARS):
        raise ValueError("must be the word before the key, such as Bearer, Key or Token, or empty")
    return word


VariableName = Annotated[str, AfterValidator(check_variable_name)]

_KEYS_OF = {
    "header": {"header", "scheme"},
    "jwt": {"header", "scheme", "access_env", "secret_env"},
    "google": {"credentials_env"},
}


class Authentication(BaseModel):
    """How calls to the provider are authenticated. Without it: `Authorization: Bearer KEY`."""

    model_config = ConfigDict(extra="forbid", frozen=True, hide_input_in_errors=True)

    type: Literal["header", "jwt", "google"] = Field(
        "header",
        description="header: the key of api_key_env; jwt: a short-lived token, signed with a secret; google: a token "
        "of a Google service account or of the machine's own Google credentials",
    )
    header: Annotated[str, AfterValidator(_header_name)] = Field(
        AUTHORIZATION, description="the header that carries the key, such as x-api-key"
    )
    scheme: Annotated[str, AfterValidator(_scheme)] | None = Field(
        None,
        description="the word before the key, such as Bearer, Key or Token; default: Bearer in Authorization, and none "
        "in any other header",
    )
    access_env: VariableName | None = Field(
        None, description="jwt: the name of the variable with the access key, which the token names as its issuer"
    )
    secret_env: VariableName | None = Field(
        None, description="jwt: the name of the variable with the secret that signs the token"
    )
    credentials_env: VariableName | None = Field(
        None,
        description="google: the name of the variable with the path of a service account's JSON file; default: "
        "application default credentials",
    )

    @model_validator(mode="after")
    def _has_its_keys(self) -> Self:
        given = {name for name, field in type(self).model_fields.items() if getattr(self, name) != field.default}
        given -= {"type"}
        if foreign := sorted(given - _KEYS_OF[self.type]):
            raise ValueError(f"type: {self.type} has no {', '.join(foreign)}: {self._layout}")
        if self.type == "jwt" and not (self.access_env and self.secret_env):
            raise ValueError(f"type: jwt needs access_env and secret_env: {self._layout}")
        return self

    @property
    def _layout(self) -> str:
        return {
            "header": "write {header: x-api-key} or {scheme: Key}",
            "jwt": "write {type: jwt, access_env: NAME, secret_env: NAME}",
            "google": "write {type: google} or {type: google, credentials_env: NAME}",
        }[self.type]

    @property
    def word(self) -> str:
        """The word before the key; empty if there is none."""
        if self.scheme is not None:
            return self.scheme
        return BEARER if self.header.lower() == AUTHORIZATION.lower() else ""

    @property
    def variables(self) -> tuple[str, ...]:
        """The names of the variables that it reads, in place of `api_key_env`."""
        return tuple(filter(None, (self.access_env, self.secret_env, self.credentials_env)))
