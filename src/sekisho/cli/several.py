"""Whether several processes may serve what is configured."""

import os
import socket

from sekisho import app
from sekisho.control.services import standalone
from sekisho.providers import catalog
from sekisho.settings import Settings

ALONE_FOR_KEYS = (
    "keys, or what they belong to, have limits (`sekisho keys list`), and more than one worker would each "
    "count for itself: set SEKISHO_STATE_URL to a Valkey or Redis that they share, run one worker, or take "
    "the limits away"
)


def check_shareable(options: app.Options, settings: Settings) -> None:
    """Whether several processes may serve this. Raises DocumentError, StoreError, or OSError with the reason.

    Limits that each process counts for itself are multiplied: that is refused rather than done silently.
    """
    if options.port == 0:
        raise OSError("several workers need a port of their own choosing: name one with --port")
    family = socket.AF_INET6 if ":" in options.host else socket.AF_INET
    with socket.socket(family) as probe:  # workers share a port with anybody who shares it: nobody may
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        probe.bind((options.host, options.port))
    path = options.config
    if path is not None:
        compiled = app.configuration(
            path.read_bytes(), str(path), catalog.load(settings.catalog_dir), os.environ
        )
        if settings.state_url is None and compiled.snapshot.limits_configured:
            raise OSError(app.ALONE)
    if settings.state_url is None and standalone.any_limits(settings.database_url):
        raise OSError(ALONE_FOR_KEYS)
