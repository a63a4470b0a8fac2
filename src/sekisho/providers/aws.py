"""What a provider on AWS needs beside an address: a region, and credentials to sign with."""

import re
from collections.abc import Mapping

from sekisho.core.provider import AwsSigning
from sekisho.core.secret import Secret

REGIONS = ("AWS_REGION", "AWS_DEFAULT_REGION")
"""Where AWS's own tools look for the region, in order."""
ACCESS_KEY_ID = "AWS_ACCESS_KEY_ID"
SECRET_ACCESS_KEY = "AWS_SECRET_ACCESS_KEY"
SESSION_TOKEN = "AWS_SESSION_TOKEN"
PLACE = "{region}"
"""Stands for the region in a row's address."""
_REGION = re.compile(r"[a-z0-9][a-z0-9-]{0,62}", re.ASCII)


class NoRegion(ValueError):
    """A provider that needs a region has none, or one that is no name of a region."""


def find_region(said: str | None, environment: Mapping[str, str]) -> str | None:
    """The document's region, or else the environment's."""
    return said or next((environment[name] for name in REGIONS if environment.get(name)), None)


def checked_region(region: str | None) -> str:
    """Raises NoRegion unless it can stand in a host name and in a signature."""
    if region is None:
        raise NoRegion(f"is missing: write one, like `us-east-1`, or set {REGIONS[0]}")
    if not _REGION.fullmatch(region):
        raise NoRegion("must be an AWS region in lower case, like `us-east-1`")
    return region


def signing(region: str | None, service: str, environment: Mapping[str, str]) -> AwsSigning:
    """The credentials are references until a request is signed; a session token belongs to them only where
    the environment has one now. Raises NoRegion."""
    token = Secret(f"${{{SESSION_TOKEN}}}") if environment.get(SESSION_TOKEN) else None
    return AwsSigning(
        access_key_id=Secret(f"${{{ACCESS_KEY_ID}}}"),
        secret_access_key=Secret(f"${{{SECRET_ACCESS_KEY}}}"),
        session_token=token,
        region=checked_region(region),
        service=service,
    )
