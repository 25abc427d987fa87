"""How a provider's own bill is read, as data: which pages its account has, and the name of the token's variable."""

from __future__ import annotations

from typing import Literal

from pydantic import BaseModel, ConfigDict, Field

from batchvid.catalog.authentication import VariableName

BalanceApi = Literal["none", "new-api", "openrouter", "runway", "luma"]
"""Which pages tell the balance by the plain key."""


class Account(BaseModel):
    """The account's own pages of charges and refunds. Its token is not the key of the API."""

    model_config = ConfigDict(extra="forbid", frozen=True, hide_input_in_errors=True)

    api: Literal["new-api"] = Field("new-api", description="the pages that the account has; CometAPI has new-api's")
    token_env: VariableName = Field(description="the name of the variable with the account's access token")
    user: str = Field("", pattern=r"\d{0,12}", description="the user's number, which a stock new-api requires too")
