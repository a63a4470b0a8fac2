"""`sekisho replay` after real calls: what it prints, and that it calls nobody."""

import csv
import io
import json
from decimal import Decimal
from pathlib import Path

from tests.e2e.live import DOCUMENT, Live
from tests.e2e.serving import environment, program


async def test_replay_prints_what_another_document_would_change_and_calls_nobody(
    live: Live, tmp_path: Path
) -> None:
    async with live.http() as client:
        for model in ("acme/echo", "acme/echo", "rescued"):
            body = {"model": model, "messages": [{"role": "user", "content": "関所はどこですか"}]}
            answer = await client.post("/v1/chat/completions", json=body)
            assert answer.status_code == 200, answer.text
    served = live.provider.ledger.counts.total()
    new = tmp_path / "new.yaml"
    text = DOCUMENT.format(url=live.provider.base_url)
    new.write_text(text.replace("price: {input: 1, output: 2}", "price: {input: 10, output: 20}"), "utf-8")
    arguments = ("replay", "--since", "1h", "--config", str(new))
    known = environment(live.data_dir, SCRIPTED_KEY="k", AWS_ACCESS_KEY_ID="k", AWS_SECRET_ACCESS_KEY="k")

    code, out, err = await program(*arguments, "--json", environment=known)
    assert code == 0, err
    told = json.loads(out)
    assert (told["calls"], told["refused"]) == (3, 0)
    assert Decimal(told["cost_after"]) == 10 * Decimal(told["cost_before"]) > 0
    lines = {line["asked"]: line for line in told["lines"]}
    assert lines["acme/echo"]["after"] == "priced/acme/echo"
    assert lines["acme/echo"]["total_ms_after"] is not None
    assert lines["rescued"]["after"] == "oai/oai/status-503", "that it is down now, replaying does not know"
    assert told["not_known"]

    code, out, _ = await program(*arguments, "--csv", environment=known)
    rows = list(csv.DictReader(io.StringIO(out)))
    assert sum(int(row["calls"]) for row in rows) == 3
    code, out, _ = await program(*arguments, environment=known)
    assert "WOULD GO TO" in out
    assert "Not known:" in out

    new.write_text(text + "nonsense: 1\n", "utf-8")
    code, _, err = await program(*arguments, environment=known)
    assert (code, "unknown key" in err) == (1, True)
    code, _, err = await program(*arguments[:1], "--since", "soon", *arguments[3:], environment=known)
    assert (code, "--since: 'soon' is no day" in err) == (2, True)
    assert live.provider.ledger.counts.total() == served
