"""What admins ask: shown who asks here, answered by the control plane."""

from collections.abc import Collection

from sekisho.core.port import Administration
from sekisho.edge.message import Request
from sekisho.edge.respond import JSON_TYPE, PageAnswer
from sekisho.pipeline.build import Pipeline
from sekisho.pipeline.steps.authenticate import authenticate

PREFIX = "/admin/v1/"


class AdminPages:
    def __init__(self, pipeline: Pipeline, administration: Administration):
        self._pipeline = pipeline
        self._administration = administration

    def methods(self, path: str) -> Collection[str]:
        """That the path takes; none: it is no path for admins."""
        return self._administration.methods(path[len(PREFIX) :]) if path.startswith(PREFIX) else ()

    async def answer(self, request: Request) -> PageAnswer:
        """Raises SekishoError."""
        principal = await authenticate(request, self._pipeline.keys, self._pipeline.clock)
        status, body = await self._administration.answer(
            request.method, request.path[len(PREFIX) :], request.query, request.body, principal
        )
        return status, JSON_TYPE + b"cache-control: no-store\r\n", body
