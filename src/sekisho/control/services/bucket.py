"""Files into a bucket: of S3, or of what speaks its API (MinIO, Ceph, R2, ...). For commands: it waits."""

import re
import time
from collections.abc import Callable, Mapping
from hashlib import file_digest
from http.client import HTTPException
from pathlib import Path
from urllib.error import HTTPError
from urllib.parse import quote, urlsplit
from urllib.request import Request, urlopen

from sekisho.core.error import ProviderAuthFailed
from sekisho.providers.aws import NoRegion, find_region, signing
from sekisho.upstream.auth.sigv4 import SigV4Signer

SCHEME = "s3://"
ENDPOINTS = ("AWS_ENDPOINT_URL_S3", "AWS_ENDPOINT_URL")
"""Where AWS's own tools look for another server than AWS's, in order."""
ELSEWHERE = "us-east-1"
"""What other servers than AWS's take for a region where nobody says one."""
LARGEST = 5 * 1024**3
"""Bytes: what S3 takes in one request."""
PATIENCE = 60.0
"""Seconds without anything."""
PAUSES = (1.0, 5.0, 30.0)
"""Seconds before each further try."""
_NAME = re.compile(r"[a-z0-9][a-z0-9.-]{1,61}[a-z0-9]", re.ASCII)
_CODE = re.compile(rb"<Code>([A-Za-z]{1,80})</Code>")


class NotStored(Exception):
    """Says why, and what to do."""


class Bucket:
    """`s3://bucket/prefix`, with the credentials of AWS's variables."""

    def __init__(
        self,
        address: str,
        environment: Mapping[str, str],
        endpoint: str | None = None,
        now: Callable[[], float] = time.time,
    ):
        """`endpoint`: the URL of another server than AWS's. Raises NotStored."""
        name, _, prefix = address.removeprefix(SCHEME).partition("/")
        if not _NAME.fullmatch(name):
            raise NotStored(f"{address[:200]!r} names no bucket: write s3://BUCKET/PREFIX")
        self._prefix = prefix.strip("/")
        found = endpoint or next((environment[each] for each in ENDPOINTS if environment.get(each)), None)
        region = find_region(None, environment) or (ELSEWHERE if found else None)
        try:
            aws = signing(region, "s3", environment)
        except NoRegion as error:
            raise NotStored(f"the region {error}") from None
        self._signer = SigV4Signer(aws, now)
        self._root = _root(name, aws.region, found)

    def store(self, file: Path) -> str:
        """Returns where the file is then, in place of one that was there. Raises NotStored, or OSError for
        the file itself."""
        if file.stat().st_size > LARGEST:
            raise NotStored(f"{file.name} is larger than the 5 GiB that S3 takes at once: write Parquet")
        key = quote("/".join(part for part in (self._prefix, file.name) if part), safe="/-_.~")
        url = f"{self._root}/{key}"
        with file.open("rb") as opened:
            digest = file_digest(opened, "sha256").hexdigest()
        for pause in (*PAUSES, None):
            reason = self._put(url, file, digest)
            if reason is None:
                return url
            if pause is not None:
                time.sleep(pause)
        raise NotStored(f"{url}: {reason}")

    def _put(self, url: str, file: Path, digest: str) -> str | None:
        """None: it is there. Else why it is not, where another try may help. Raises NotStored."""
        parts = urlsplit(url)
        try:
            headers = dict(self._signer.sign_for_s3("PUT", parts.netloc, parts.path, digest))
        except ProviderAuthFailed as error:
            raise NotStored(error.message) from None
        headers |= {"content-length": str(file.stat().st_size), "content-type": "application/octet-stream"}
        try:
            with file.open("rb") as body:
                request = Request(url, data=body, headers=headers, method="PUT")
                with urlopen(request, timeout=PATIENCE):
                    return None
        except HTTPError as error:
            code = _CODE.search(error.read(10_000))
            reason = f"{error.code} {code[1].decode() if code else error.reason}"
            error.close()
            if error.code < 500 and error.code not in (408, 429):
                raise NotStored(f"{url}: {reason}") from None
            return reason
        except (OSError, HTTPException) as error:
            return str(error)


def _root(name: str, region: str, endpoint: str | None) -> str:
    """The bucket's URL. AWS has buckets as hosts, but for those whose names no certificate fits; others have
    them as paths."""
    if endpoint is None:
        if "." in name:
            return f"https://s3.{region}.amazonaws.com/{name}"
        return f"https://{name}.s3.{region}.amazonaws.com"
    parts = urlsplit(endpoint)
    if parts.scheme not in ("http", "https") or not parts.hostname or parts.query or parts.username:
        raise NotStored("the endpoint is no URL like https://minio.example.com:9000")
    return f"{endpoint.rstrip('/')}/{name}"
