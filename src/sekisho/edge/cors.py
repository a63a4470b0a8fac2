"""Cross-origin requests from browsers: off unless the document lists origins."""

from dataclasses import dataclass

from sekisho.edge.message import Request


@dataclass(frozen=True, slots=True)
class Cors:
    origins: frozenset[str]
    """Exact origins (`https://chat.example.jp`), or `*`."""

    def headers(self, request: Request) -> bytes:
        """The header lines for this request's origin; empty where it is not allowed."""
        origin = (request.header(b"origin") or b"").decode("latin-1")
        if not origin or not ("*" in self.origins or origin in self.origins):
            return b""
        lines = f"access-control-allow-origin: {origin}\r\nvary: origin\r\n"
        if request.method == "OPTIONS":
            wanted = (request.header(b"access-control-request-headers") or b"authorization").decode("latin-1")
            lines += (
                "access-control-allow-methods: GET, POST, PATCH, DELETE, OPTIONS\r\n"
                f"access-control-allow-headers: {wanted}\r\naccess-control-max-age: 600\r\n"
            )
        return lines.encode("latin-1")
