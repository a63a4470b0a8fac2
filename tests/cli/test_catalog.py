"""`sekisho catalog`: newer editions come in whole or not at all, and what prices were is kept."""

import datetime as dt
import json
import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

import msgspec
import pytest
from typer.testing import CliRunner, Result

from sekisho.__main__ import app
from sekisho.core.money import Price
from sekisho.providers import catalog
from sekisho.providers.compiler.models import compile_edition
from sekisho.providers.models import edition, kept
from sekisho.providers.models.edition import Edition
from sekisho.providers.models.store import Offer

Run = Callable[..., Result]
HAIKU = "anthropic/claude-haiku-4.5"


@pytest.fixture
def run(tmp_path: Path) -> Run:
    def run(*arguments: str) -> Result:
        environment = {**os.environ, "SEKISHO_DATA_DIR": str(tmp_path), "LANG": "", "LC_ALL": ""}
        return CliRunner().invoke(app, list(arguments), env=environment)

    return run


def changed(date: str, change: Callable[[Offer], Offer | None], since: Edition | None = None) -> Edition:
    """The edition with every offer changed; None takes it out."""
    base = since or kept.shipped()
    providers = {
        row: tuple(new for offer in offers if (new := change(offer)) is not None)
        for row, offers in base.providers.items()
    }
    return msgspec.structs.replace(base, date=date, source="test", providers=providers)


def times(factor: int, *, of: str = HAIKU) -> Callable[[Offer], Offer]:
    def change(offer: Offer) -> Offer:
        if offer.model != of or offer.price is None:
            return offer
        base = msgspec.structs.replace(offer.price.base, input=offer.price.base.input * factor)
        return msgspec.structs.replace(offer, price=Price(base=base))

    return change


def written(folder: Path, what: Edition) -> str:
    file = folder / "new.json"
    file.write_bytes(msgspec.json.encode(what))
    return str(file)


def haiku(folder: Path) -> Offer:
    offers = catalog.load(folder / "catalog").offers("anthropic")
    return next(offer for offer in offers if offer.model == HAIKU)


def files(folder: Path) -> dict[str, bytes]:
    return {path.name: path.read_bytes() for path in sorted((folder / "catalog").glob("*"))}


def test_a_newer_edition_is_shown_taken_and_remembers_the_prices_before(run: Run, tmp_path: Path) -> None:
    before = haiku(tmp_path)
    assert before.price is not None
    file = written(tmp_path, changed("2027-01-01", times(2)))
    shown = run("catalog", "update", "--from", file, "--dry-run")
    assert shown.exit_code == 0
    assert "anthropic/claude-haiku-4.5  price" in shown.stdout
    assert "2 prices changed" in shown.stdout  # at Anthropic, and at OpenRouter
    assert haiku(tmp_path) == before
    assert run("catalog", "update", "--from", file).exit_code == 0
    now = haiku(tmp_path)
    assert now.price is not None
    assert now.price.base.input == 2 * before.price.base.input
    assert (now.price.source, now.price.date) == ("test", "2027-01-01")
    (past,) = now.past
    assert (past.until, past.price.base) == ("2027-01-01", before.price.base)
    assert past.price.date == before.price.date
    third = written(tmp_path, changed("2027-02-01", times(3)))
    assert run("catalog", "update", "--from", third).exit_code == 0
    assert [each.until for each in haiku(tmp_path).past] == ["2027-02-01", "2027-01-01"]
    assert "2027-02-01" in run("models", "show", HAIKU).stdout


def test_the_last_good_edition_can_be_had_back(run: Run, tmp_path: Path) -> None:
    before = haiku(tmp_path)
    for date, factor in (("2027-01-01", 2), ("2027-02-01", 3)):
        assert (
            run("catalog", "update", "--from", written(tmp_path, changed(date, times(factor)))).exit_code == 0
        )
    assert "2027-01-01" in run("catalog", "restore").stdout
    assert before.price is not None
    price = haiku(tmp_path).price
    assert price is not None
    assert price.base.input == 2 * before.price.base.input
    assert run("catalog", "restore").exit_code == 0
    assert haiku(tmp_path) == before


@pytest.mark.parametrize(
    ("change", "words"),
    [
        (times(100), "anthropic: anthropic/claude-haiku-4.5: 1 / 5 -> 100 / 5: more than 10 times, or free"),
        (times(0), "1 / 5 -> 0 / 5: more than 10 times, or free"),
        (lambda offer: None if "claude" in offer.model else offer, "anthropic: 22 of 22 models are gone"),
        (lambda offer: msgspec.structs.replace(offer, price=None), "its price is gone"),
    ],
)
def test_what_is_absurd_is_refused_unless_forced(
    run: Run, tmp_path: Path, change: Callable[[Offer], Offer | None], words: str
) -> None:
    file = written(tmp_path, changed("2027-01-01", change))
    refused = run("catalog", "update", "--from", file)
    assert refused.exit_code == 1
    assert "refused, nothing was changed; --force takes it all the same" in refused.stderr
    assert words in refused.stderr
    assert files(tmp_path) == {}
    assert run("catalog", "update", "--from", file, "--force").exit_code == 0
    assert list(files(tmp_path)) == ["current.json"]


def test_an_older_edition_is_refused(run: Run, tmp_path: Path) -> None:
    result = run("catalog", "update", "--from", written(tmp_path, changed("2025-01-01", times(2))))
    assert result.exit_code == 1
    assert "it is of 2025-01-01, older than the " in result.stderr


def broken(change: Callable[[Any], None]) -> bytes:
    members = json.loads(msgspec.json.encode(changed("2027-01-01", lambda offer: offer)))
    change(members)
    return json.dumps(members).encode()


def first(members: Any) -> Any:
    return members["providers"]["anthropic"][0]


@pytest.mark.parametrize(
    ("text", "words"),
    [
        (b"", "Input data was truncated"),
        (b"<html>not found</html>", "JSON is malformed"),
        (b"{}", "missing required field `source`"),
        (b"[" * 100_000, "new.json"),
        (b"\xff\xfe", "new.json"),
        (broken(lambda each: each.update(date="soon")), "date: 'soon' must be a day"),
        (broken(lambda each: each.update(providers={})), "nobody offers anything"),
        (broken(lambda each: first(each).update(model="no-slug")), "'no-slug' is no author/slug"),
        (broken(lambda each: first(each).update(model="acme/none")), "acme/none is not among the models"),
        (broken(lambda each: first(each).update(quirks=["new"])), "there is no quirk new"),
        (broken(lambda each: first(each)["price"]["base"].update(input=-1)), "a price is below 0"),
        (broken(lambda each: first(each)["price"]["base"].update(output=10**14)), "or above 10000 USD"),
        (broken(lambda each: first(each)["price"]["base"].update(input="1")), "providers"),
        (broken(lambda each: each["providers"]["anthropic"].append(first(each))), "stands twice"),
    ],
)
def test_a_broken_edition_changes_nothing(run: Run, tmp_path: Path, text: bytes, words: str) -> None:
    good = run("catalog", "update", "--from", written(tmp_path, changed("2027-01-01", times(2))))
    assert good.exit_code == 0
    before = files(tmp_path)
    (tmp_path / "new.json").write_bytes(text)
    result = run("catalog", "update", "--from", str(tmp_path / "new.json"), "--force")
    assert result.exit_code == 1
    assert words in result.stderr
    assert "nothing was changed" in result.stderr
    assert "Traceback" not in result.output
    assert files(tmp_path) == before


def test_an_edition_that_breaks_on_disk_gives_way_to_the_one_before(run: Run, tmp_path: Path) -> None:
    for date, factor in (("2027-01-01", 2), ("2027-02-01", 3)):
        assert (
            run("catalog", "update", "--from", written(tmp_path, changed(date, times(factor)))).exit_code == 0
        )
    current = tmp_path / "catalog" / "current.json"
    current.write_bytes(current.read_bytes()[:100_000])
    price = haiku(tmp_path).price
    assert price is not None
    assert price.date == "2027-01-01"
    (tmp_path / "catalog" / "previous.json").write_bytes(b"{}")
    assert haiku(tmp_path).price == next(
        offer.price for offer in catalog.load().offers("anthropic") if offer.model == HAIKU
    )


def test_the_installed_package_makes_an_edition(run: Run, tmp_path: Path) -> None:
    shipped = kept.shipped()
    made = compile_edition(dt.date.fromisoformat(shipped.date))
    assert edition.compared(shipped, made, catalog.rows()) == edition.Comparison((), ())
    result = run("catalog", "update", "--json")
    assert result.exit_code == 0, result.output
    now = kept.current(tmp_path / "catalog")
    assert now is not None
    assert json.loads(result.stdout)["to"] == {"source": now.source, "date": now.date}


def test_scores_of_ones_own_are_added_and_ranked_by(run: Run, tmp_path: Path) -> None:
    table = tmp_path / "own.csv"
    table.write_text("model,score\nClaude-Haiku-4.5,91\n社内モデル,95\n", "utf-8-sig")
    said = ("--name", "own", "--source", "the evaluation team", "--date", "2026-11-01")
    added = run("catalog", "quality", "add", str(table), *said)
    assert added.exit_code == 0, added.output
    assert "own: 2 scores, 1 of models known here" in added.stdout
    assert "not in the catalogue: 社内モデル" in added.stdout
    assert json.loads(run("models", "--sort", "score", "--top", "1", "--json").stdout)[0]["model"] == HAIKU
    ranked = json.loads(run("models", "ranking", "--set", "qualiteg-2025", "--json").stdout)
    assert len(ranked) == 50
    names = [each["name"] for each in json.loads(run("catalog", "quality", "list", "--json").stdout)]
    assert names == ["qualiteg-2025", "own"]
    table.write_bytes("型,score\n".encode("shift_jis"))
    assert "is not UTF-8" in run("catalog", "quality", "add", str(table), *said).stderr
    clash = run("catalog", "quality", "add", str(table), "--name", "qualiteg-2025", *said[2:])
    assert clash.exit_code == 2
