"""What admins ask: shown who asks here, answered by the control plane."""

from collections.abc import Collection, Mapping

from sekisho.core.error import NotFound
from sekisho.core.port import Administration
from sekisho.edge.message import Request
from sekisho.edge.respond import JSON_TYPE, PageAnswer
from sekisho.pipeline.build import Pipeline
from sekisho.pipeline.steps.authenticate import authenticate


class AdminPages:
    def __init__(self, pipeline: Pipeline, administrations: Mapping[str, Administration]):
        """`administrations`: what answers, by the beginning of its paths."""
        self._pipeline = pipeline
        self._administrations = administrations

    def methods(self, path: str) -> Collection[str]:
        """That the path takes; none: it is no path for admins."""
        answers, below = self._below(path)
        return () if answers is None else answers.methods(below)

    async def answer(self, request: Request) -> PageAnswer:
        """Raises SekishoError."""
        principal = await authenticate(request, self._pipeline.keys, self._pipeline.clock)
        answers, below = self._below(request.path)
        if answers is None:
            raise NotFound(f"there is no {request.path[:200]} here")
        status, body = await answers.answer(request.method, below, request.query, request.body, principal)
        return status, JSON_TYPE + b"cache-control: no-store\r\n", body

    def _below(self, path: str) -> tuple[Administration | None, str]:
        for prefix, answers in self._administrations.items():
            if path.startswith(prefix):
                return answers, path[len(prefix) :]
        return None, ""
