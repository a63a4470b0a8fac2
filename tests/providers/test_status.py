"""Status pages: what each format says, what is believed of it, and what is kept."""

import json
from pathlib import Path
from typing import Any

import msgspec
import pytest
from tests.providers.pages import DAY, NOW, datadog, datadog_page, google, incident, iso, statuspage

from sekisho.providers import catalog
from sekisho.providers.status import feeds, kept
from sekisho.providers.status.incident import BadFeed, Count, count
from sekisho.providers.status.reading import MOST_BYTES, read, whose

KNOWN = feeds.load()
CLAUDE, OPENAI = KNOWN.feeds["anthropic"], KNOWN.feeds["openai"]


def counted(text: bytes, page: str) -> Count:
    return count(read(text, KNOWN.feeds[page], NOW).incidents, NOW)


def test_pages_are_of_rows_that_there_are() -> None:
    rows = catalog.rows()
    assert [row for feed in KNOWN.feeds.values() for row in feed.rows if row not in rows] == []


def test_incidents_are_counted_by_component_severity_and_time() -> None:
    text = statuspage(
        incident("Elevated errors on Claude Opus", NOW - DAY, impact="major"),
        incident("Login is slow", NOW - 2 * DAY, components=["claude.ai"], impact="critical"),
        incident("Errors on all models", NOW - 3 * DAY, hours=None, impact="critical"),
        incident("Delayed usage reports", NOW - 4 * DAY, components=["Claude API (api.anthropic.com)"]),
        incident("Long ago", NOW - 100 * DAY, impact="critical"),
        incident("Planned work", NOW + 5 * DAY, impact="maintenance"),
    )
    assert counted(text, "anthropic") == Count(incidents=4, api=3, severe=2)
    found = read(text, CLAUDE, NOW)
    assert [each.title for each in found.incidents if each.ended is None] == ["Errors on all models"]
    assert found.reach == NOW - 100 * DAY


def test_where_no_component_is_named_the_title_decides() -> None:
    """As incident.io serves it for OpenAI and Groq."""
    bare: dict[str, Any] = {"components": None, "incident_updates": None}
    text = statuspage(
        incident("Elevated error rates in the API", NOW - DAY, **bare),
        incident("Elevated errors for gpt-5.2", NOW - DAY, **{**bare, "components": []}),
        incident("ChatGPT conversations fail to load", NOW - DAY, **bare),
        incident("Increased latency", NOW - DAY, components=["Chat Completions", "Login"]),
        url="https://status.openai.com/",
    )
    assert counted(text, "openai") == Count(incidents=4, api=3, severe=0)


def test_an_incident_entered_afterwards_ended_before_it_was_made() -> None:
    told = incident("Data centre failure", NOW - 5 * DAY, impact="minor", components=None)
    told |= {"started_at": None, "resolved_at": iso(NOW - 8 * DAY), "incident_updates": None}
    (found,) = read(statuspage(told, url="https://groqstatus.com"), KNOWN.feeds["groq"], NOW).incidents
    assert (found.began, found.ended) == (NOW - 8 * DAY, NOW - 8 * DAY)
    assert found.api


def test_components_are_those_of_the_updates_where_the_incident_names_none() -> None:
    told = incident("错误率升高", NOW - DAY, components=["API 服务 (API Service)"], impact="critical")
    text = statuspage({**told, "components": []}, url="https://status.deepseek.com")
    assert counted(text, "deepseek") == Count(incidents=1, api=1, severe=1)
    nobody = {"affected_components": [{"name": "No components were affected by this update."}]}
    told = incident("网页登录", NOW - DAY, components=None, incident_updates=[nobody])
    assert counted(statuspage(told, url="https://status.deepseek.com"), "deepseek").api == 0


def test_moonshots_search_is_not_its_api() -> None:
    listed = [incident("搜索服务异常", NOW - at * DAY, components=["Search"]) for at in range(1, 51)]
    assert counted(statuspage(*listed), "moonshot") == Count(incidents=50, api=0, severe=0)


def test_of_googles_list_the_gemini_api_counts_under_either_of_its_names() -> None:
    listed = [
        google("Vertex Gemini API errors", NOW - DAY, 2, "SERVICE_OUTAGE", "Vertex Gemini API"),
        google("Latency", NOW - 2 * DAY, None, "SERVICE_DISRUPTION", "Gemini on Agent Platform"),
        google("Slow queries", NOW - DAY, 2, "SERVICE_OUTAGE", "Google BigQuery"),
        google("Long ago", NOW - 500 * DAY, 2, "SERVICE_OUTAGE", "Vertex Gemini API"),
    ]
    text = json.dumps(listed).encode()
    assert counted(text, "Google Vertex AI") == Count(incidents=3, api=2, severe=1)
    assert whose(text, KNOWN) is KNOWN.feeds["Google Vertex AI"]


def test_a_datadog_page_tells_in_its_timeline_how_bad_it_was() -> None:
    text = datadog_page(
        datadog("Elevated 429s", NOW - DAY, 1, "degraded", "Chat (/api/v1/chat/completions)"),
        datadog("All is down", NOW - DAY, None, "major_outage", "Chat (/api/v1/chat/completions)"),
        datadog("Web application", NOW - DAY, 1, "major_outage", "Web & Application Services"),
    )
    assert counted(text, "openrouter") == Count(incidents=3, api=2, severe=1)
    assert whose(text, KNOWN) is KNOWN.feeds["openrouter"]


def test_a_document_says_whose_it_is() -> None:
    for name, url in (
        ("openai", "https://status.openai.com/"),
        ("deepseek", "https://deepseek.statuspage.io"),
        ("moonshot", "https://status.moonshot.cn"),
    ):
        assert whose(statuspage(url=url), KNOWN) is KNOWN.feeds[name]
    assert whose(statuspage(url="https://status.nobody.test"), KNOWN) is None
    assert whose(b"<html>", KNOWN) is None


@pytest.mark.parametrize(
    ("text", "words"),
    [
        (b"<html>Checking your browser</html>", "is not what statuspage pages say"),
        (b"", "is not what statuspage pages say"),
        (b'{"page": {}, "incidents": null}', "is not what statuspage pages say"),
        (b'\xff\xfe{"page": {}}', "is not what statuspage pages say"),
        (statuspage(incident("x", NOW, impact="apocalyptic")), "is not what statuspage pages say"),
        (statuspage(incident("x", NOW + 2 * DAY)), "begins in the future"),
        (statuspage(incident("x", NOW - DAY, hours=90 * 24)), "is updated in the future"),
        (statuspage(incident("x", NOW, started_at="yesterday")), "'yesterday' is no time"),
        (statuspage(*[incident("x", NOW - DAY, components=None)] * 10_000), "lists 10,000 incidents"),
        (b" " * (MOST_BYTES + 1), "more than 16,777,216 bytes"),
    ],
    ids=["html", "empty", "null", "utf-16", "impact", "begins", "ends", "no-time", "many", "large"],
)
def test_a_page_that_lies_is_believed_in_nothing(text: bytes, words: str) -> None:
    with pytest.raises(BadFeed, match=words):
        read(text, CLAUDE, NOW)


def test_what_is_read_again_and_again_reaches_back_further_than_the_page(tmp_path: Path) -> None:
    first = statuspage(
        incident("one", NOW - 60 * DAY), incident("two", NOW - 40 * DAY, hours=None, impact="major")
    )
    then = NOW - 30 * DAY
    history = kept.merged(None, read(first, CLAUDE, then), CLAUDE, "page", then)
    kept.keep(tmp_path, history)
    later = statuspage(incident("three", NOW - 35 * DAY), incident("four", NOW - DAY))
    history = kept.merged(kept.read(tmp_path, "anthropic"), read(later, CLAUDE, NOW), CLAUDE, "page", NOW)
    assert [each.title for each in history.incidents] == ["four", "three", "two", "one"]
    assert history.incidents[2].ended == NOW, "an open incident that is not listed any more is over"
    assert history.reach == NOW - 60 * DAY
    after = kept.merged(history, read(statuspage(incident("five", NOW + 70 * DAY)), CLAUDE, NOW + 71 * DAY),
                        CLAUDE, "page", NOW + 71 * DAY)  # fmt: skip
    assert after.reach == NOW + 70 * DAY, "what happened between the two lists nobody knows"
    assert [each.title for each in after.incidents] == ["five", "four", "two"], "90 days are kept"


def test_a_summary_lists_only_what_is_open() -> None:
    before = kept.merged(None, read(statuspage(incident("one", NOW - DAY)), CLAUDE, NOW), CLAUDE, "page", NOW)
    open_now = incident("two", NOW, hours=None, impact="critical")
    text = statuspage(open_now, components=[], scheduled_maintenances=[], status={"indicator": "critical"})
    history = kept.merged(before, read(text, CLAUDE, NOW), CLAUDE, "page", NOW)
    assert [each.title for each in history.incidents] == ["two", "one"]
    assert history.reach == NOW - DAY


def test_an_open_incident_counts_while_the_page_is_fresh_and_somebody_looks_after_it() -> None:
    text = statuspage(incident("now", NOW - 3600, hours=None, impact="critical"))
    history = kept.merged(None, read(text, CLAUDE, NOW), CLAUDE, "page", NOW)
    assert len(history.open_severe(NOW)) == 1
    assert history.open_severe(NOW + kept.FRESH + 1) == (), "an old reading says nothing"
    forgotten = msgspec.structs.replace(history, checked=NOW + 3 * DAY)
    assert forgotten.open_severe(NOW + 3 * DAY) == (), "nobody closed it"
    minor = statuspage(incident("now", NOW, hours=None), incident("web", NOW, hours=None, impact="major",
                                                                  components=["claude.ai"]))  # fmt: skip
    assert kept.merged(None, read(minor, CLAUDE, NOW), CLAUDE, "page", NOW).open_severe(NOW) == ()
