"""TLS settings, loaded once for each file of authorities."""

import ssl

from sekisho.core.error import Unreachable


class Contexts:
    """Certificates and host names are always checked; there is no switch to turn that off."""

    __slots__ = ("_by_file",)

    def __init__(self) -> None:
        self._by_file: dict[str | None, ssl.SSLContext] = {}

    def get(self, ca_file: str | None) -> ssl.SSLContext:
        """The context that trusts `ca_file`, or the system's authorities. Raises Unreachable."""
        context = self._by_file.get(ca_file)
        if context is None:
            try:
                context = ssl.create_default_context(cafile=ca_file)
            except OSError as error:
                reason = error.strerror or type(error).__name__
                raise Unreachable(f"the CA file {ca_file} cannot be loaded: {reason}") from None
            context.set_alpn_protocols(["http/1.1"])
            self._by_file[ca_file] = context
        return context
