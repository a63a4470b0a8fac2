"""`sekisho export calls --to s3://...` against a server that checks signatures as AWS does."""

import asyncio
import json
import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from subprocess import DEVNULL, Popen
from typing import Any
from urllib.request import urlopen

import boto3
import pytest
from tests.e2e.serving import environment, free_port, program

from sekisho.core.record import CallRecord
from sekisho.metering import frame

FIRST = 20_770 * 86_400
"""2026-11-13"""
MAY_PUT = {
    "Version": "2012-10-17",
    "Statement": [{"Effect": "Allow", "Action": "s3:*", "Resource": "*"}],
}


@contextmanager
def s3() -> Iterator[str]:
    """The URL of a server that lets the first four requests pass, and then asks for signatures that fit."""
    port = free_port()
    command = (sys.executable, "-m", "moto.server", "-H", "127.0.0.1", "-p", str(port))
    settings = {**os.environ, "INITIAL_NO_AUTH_ACTION_COUNT": "4"}
    with Popen(command, env=settings, stdout=DEVNULL, stderr=DEVNULL) as server:
        try:
            url = f"http://127.0.0.1:{port}"
            answered = False
            while not answered:
                assert server.poll() is None
                with suppress(OSError), urlopen(f"{url}/moto-api/data.json", timeout=10):
                    answered = True
            yield url
        finally:
            server.terminate()


def client(url: str, service: str, **keys: str) -> Any:
    keys = keys or {"aws_access_key_id": "nobody", "aws_secret_access_key": "nothing"}
    return boto3.client(service, endpoint_url=url, region_name="ap-northeast-1", **keys)


def key_that_may_put(url: str) -> dict[str, str]:
    iam = client(url, "iam")
    iam.create_user(UserName="gateway")
    iam.put_user_policy(UserName="gateway", PolicyName="put", PolicyDocument=json.dumps(MAY_PUT))
    made = iam.create_access_key(UserName="gateway")["AccessKey"]
    client(url, "s3").create_bucket(
        Bucket="books", CreateBucketConfiguration={"LocationConstraint": "ap-northeast-1"}
    )
    return {"AWS_ACCESS_KEY_ID": made["AccessKeyId"], "AWS_SECRET_ACCESS_KEY": made["SecretAccessKey"]}


def test_calls_are_put_into_a_bucket_signed_and_again_in_place(tmp_path: Path) -> None:
    journal = tmp_path / "data" / "journal"
    journal.mkdir(parents=True)
    calls = [
        CallRecord(
            id=f"gen-{day}",
            started=float(FIRST + day * 86_400),
            key_id="key_a",
            operation="chat",
            dialect="openai_chat",
            requested_model="a/b",
            status=200,
            outcome="ok",
            app="関所",
        )
        for day in range(2)
    ]
    (journal / "a.log").write_bytes(b"".join(map(frame.encode, calls)))
    span = ("--since", "2026-11-13", "--until", "2026-11-14")

    def export(*arguments: str, **more: str) -> tuple[int, str, str]:
        command = ("export", "calls", *span, *arguments)
        return asyncio.run(program(*command, environment=environment(tmp_path / "data", **more)))

    with s3() as url:
        keys = key_that_may_put(url)
        there = {"AWS_ENDPOINT_URL_S3": url, "AWS_REGION": "ap-northeast-1", **keys}
        to = ("--to", "s3://books/gateway one/calls+関所")
        for _ in range(2):
            code, said, failure = export(*to, "--json", **there)
            assert code == 0, failure
        assert [each["calls"] for each in json.loads(said)] == [1, 1]
        bucket = client(url, "s3", **{name.lower(): value for name, value in keys.items()})
        listed = bucket.list_objects_v2(Bucket="books")["Contents"]
        assert [each["Key"] for each in listed] == [
            f"gateway one/calls+関所/calls-2026-11-{day}.csv" for day in (13, 14)
        ]
        text = bucket.get_object(Bucket="books", Key=listed[0]["Key"])["Body"].read().decode()
        assert "gen-0" in text
        assert "関所" in text
        assert export("--to", "s3://books", "--endpoint-url", url, **keys)[0] == 0, "whatever the region"
        for wrong, reason in (
            ({"AWS_SECRET_ACCESS_KEY": "wrong"}, "403 SignatureDoesNotMatch"),
            ({"AWS_SECRET_ACCESS_KEY": ""}, "the environment variable AWS_SECRET_ACCESS_KEY is not set"),
        ):
            code, _, failure = export("--to", "s3://books", **there | wrong)
            assert (code, reason in failure) == (1, True), failure
        code, _, failure = export("--to", "s3://others", **there)
        assert (code, "404 NoSuchBucket" in failure) == (1, True), failure


@pytest.mark.parametrize(
    ("address", "more", "reason"),
    [
        ("s3://", {"AWS_REGION": "eu-west-1"}, "names no bucket: write s3://BUCKET/PREFIX"),
        ("s3://books", {}, "the region is missing: write one, like `us-east-1`, or set AWS_REGION"),
        ("s3://books", {"AWS_ENDPOINT_URL": "minio:9000"}, "the endpoint is no URL like https://"),
    ],
)
def test_addresses_of_no_use_are_refused(
    tmp_path: Path, address: str, more: dict[str, str], reason: str
) -> None:
    keys = environment(tmp_path / "data", AWS_ACCESS_KEY_ID="id", AWS_SECRET_ACCESS_KEY="secret", **more)
    code, _, failure = asyncio.run(program("export", "calls", "--to", address, environment=keys))
    assert (code, reason in failure) == (1, True), failure
