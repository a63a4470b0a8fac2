"""Scores of recorded calls, for calibrating a threshold on them."""

from sqlalchemy import Connection, func, select

from sekisho.control.store.tables import calls as table


def read_scores(connection: Connection, since: float, until: float, model: str | None) -> dict[float, int]:
    """Score -> calls that have it, which began in that time (seconds since the epoch). `model`: as clients
    named it; None: of all calls that were scored."""
    score = table.c.explanation["auto", "score"].as_float()
    wanted = select(score, func.count()).where(
        table.c.started >= since, table.c.started < until, score.is_not(None)
    )
    if model is not None:
        wanted = wanted.where(table.c.requested_model == model)
    return {float(found): int(count) for found, count in connection.execute(wanted.group_by(score))}
