"""Why something asked of identities is not done. The text is for whoever asked: reason and remedy."""


class Refused(Exception):
    """What was asked makes no sense."""

    def __init__(self, reason: str, field: str | None = None):
        super().__init__(reason)
        self.field = field
        """The member that is wrong: `limits.0`, `team`."""


class Missing(Refused):
    """Nothing is called that."""
