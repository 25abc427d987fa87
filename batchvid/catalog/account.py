"""A provider's account, as data: where its pages are, which they are, and the name of the token's variable."""

from __future__ import annotations

from typing import Annotated, Literal, Self
from urllib.parse import urlsplit

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, model_validator

from batchvid.catalog.authentication import VariableName

BalanceApi = Literal["none", "new-api", "openrouter", "runway", "luma"]
"""Which pages tell the balance by the plain key."""


def _address(value: str) -> str:
    """An address without user, query or fragment, and without a slash at its end."""
    try:
        parts = urlsplit(value)
        usable = parts.scheme in ("http", "https") and bool(parts.hostname) and (parts.port is None or parts.port > 0)
    except ValueError:
        usable = False
    if value and (not usable or "@" in parts.netloc or parts.query or parts.fragment or any(map(str.isspace, value))):
        raise ValueError("must be an address such as https://api.example.com")
    return value.rstrip("/")


class Account(BaseModel):
    """The pages of the provider's account: its bill, its list of tasks. They may need a token of their own."""

    model_config = ConfigDict(extra="forbid", frozen=True, hide_input_in_errors=True)

    url: Annotated[str, AfterValidator(_address)] = Field("", description="their address, if not base_url")
    token_env: VariableName | Literal[""] = Field(
        "",
        description="the name of the variable with the account's access token; default: the provider's own key",
    )
    api: Literal["none", "new-api"] = Field(
        "none", description="which pages of bills and tasks the account has; CometAPI has new-api's"
    )
    user: str = Field("", pattern=r"\d{0,12}", description="the user's number, which a stock new-api requires too")

    @model_validator(mode="after")
    def _check_token(self) -> Self:
        if self.api != "none" and not self.token_env:
            raise ValueError(f"api: {self.api} needs token_env, the name of the variable with the access token")
        return self
