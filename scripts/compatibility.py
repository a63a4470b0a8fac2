"""Write docs/guide/compatibility.md: what clients of each dialect can say to providers of each, by saying it.

    python scripts/compatibility.py

Every golden request is read and written for every other dialect, every golden answer for every client; what
arrives and what the losses name is the page. Nothing of it stands anywhere by hand.
"""

import re
import sys
from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from compatibility_features import ORDER, Held, of_answer, of_request

from sekisho.app import DIALECTS
from sekisho.core.contract import Dialect, Loss, TargetFacts
from sekisho.core.fold import fold
from sekisho.core.reply import Reply
from sekisho.core.request import Request
from sekisho.pipeline import provenance
from sekisho.testkit import golden
from sekisho.testkit.laws import content, replies, requests, streams

ROOT = Path(__file__).parents[1]
GOLDEN = ROOT / "tests" / "golden"
PAGE = ROOT / "docs" / "guide" / "compatibility.md"
TITLES = {
    "openai_chat": "Chat",
    "openai_responses": "Responses",
    "anthropic_messages": "Messages",
    "gemini_generate": "Gemini",
    "bedrock_converse": "Converse",
}
"""The dialects that hold conversations, and how the page calls them."""
MODEL = TargetFacts(model="author/model", max_output=4096)
"""One of which no dialect knows anything special."""
UNKNOWN = "unknown"
"""What golden cases begin with that hold made-up members."""
INSTEAD = {
    "audio": "the transcript, as text",
    "calls of custom tools": "as calls of functions",
    "finish reason": "as the nearest word of the API",
    "stop sequence that was hit": "as a plain stop",
    "tokens written to the cache": "as part of the input",
}
"""What clients get of an answer instead of what their API cannot say."""
CARRIED, CHANGED, DROPPED, REFUSED = "✓", "≈", "–", "422"
STATES = (CARRIED, CHANGED, DROPPED, REFUSED)

INTRODUCTION = """\
# Compatibility

<!-- Made by scripts/compatibility.py from the golden cases. Do not edit. -->

A call whose client and provider speak the same dialect passes through byte for byte; nothing on this page
concerns it. Between different dialects a call is translated. What becomes of each thing that a request or an
answer may hold was found by translating every golden case. A row is a feature, a column the provider's
dialect; an empty cell means that no golden case shows it.

| | |
|---|---|
| `✓` | arrives |
| `≈` | arrives in another place, spelling or degree; where it is a setting, a response header names it |
| `–` | is left out: of a request, a response header names it; of an answer, the API has no place for it |
| `422` | the call is refused with the field and the reason, before any provider sees it |

Several marks in one cell: it depends, and the reasons say on what. Their numbers are those of the list at the
end.

A route whose document says `on_loss: drop` does not refuse: what the target cannot say is left out and named
in the header. The default, `on_loss: refuse`, never loses content, tools or formats.

Signatures and encrypted reasoning mean something only to the provider that made them. A translated answer
brings them sealed, and they go back to their maker, whatever dialect the client speaks. What the tables show
is a conversation that began elsewhere: to others they are left out.

Models differ within a dialect. The page shows a model of which nothing special is known; where more is known
(`top_k` at many servers of the Chat dialect, levels of thinking), that decides. The legacy Completions take
one text and answer one: a conversation that holds more is refused there.
"""


@dataclass
class Cell:
    """What became of one feature between two dialects."""

    found: dict[str, set[str]] = field(default_factory=lambda: defaultdict(set))
    """State -> reasons."""

    def add(self, state: str, reason: str = "") -> None:
        self.found[state] |= {reason} if reason else set()

    def shown(self, numbers: Mapping[str, int]) -> str:
        return " ".join(_mark(state, self.found[state], numbers) for state in STATES if state in self.found)


Table = dict[str, dict[str, Cell]]
"""Feature -> the other dialect -> what becomes of it."""


def _mark(state: str, reasons: set[str], numbers: Mapping[str, int]) -> str:
    told = ",".join(str(number) for number in sorted(numbers[reason] for reason in reasons))
    return f"{state} <sup>{told}</sup>" if told else state


# --- requests -------------------------------------------------------------------------------------


def requests_of(client: Dialect) -> tuple[Table, dict[str, set[str]]]:
    """What becomes of what clients of the dialect ask, and the members that only it knows."""
    table: Table = {}
    own: dict[str, set[str]] = defaultdict(set)
    for case in golden.cases(GOLDEN, client.name):
        if case.request is None or case.name.startswith(UNKNOWN):
            continue
        request = requests.read(client, case.request)
        for held in of_request(request):
            if held.own:
                own[held.feature].add(held.own)
        for name in TITLES:
            if name != client.name:
                _ask(request, client, DIALECTS[name], table)
    return table, own


def _ask(request: Request, client: Dialect, target: Dialect, table: Table) -> None:
    opened, signatures = provenance.open_request(request, client.name, target.name)
    for held in of_request(request):
        for loss in signatures:
            if held.fact.kind in ("signature", "redacted reasoning") and _within(loss.field, held.fact.path):
                _cell(table, held, target).add(DROPPED, loss.reason)
    said = of_request(opened)
    written = target.write_request(opened, MODEL)
    heard = of_request(requests.read(target, written.body, opened))
    named = {held: [loss for loss in written.losses if _concerns(loss, held, said)] for held in said}
    lost = _lost(said, heard, [held for held, losses in named.items() if losses])
    for held, losses in named.items():
        if not any(_of_whole_part(loss, held, said) for loss in losses):
            _judge(_cell(table, held, target), held, losses, gone=held in lost, heard=heard)


def _cell(table: Table, held: Held, other: Dialect) -> Cell:
    return table.setdefault(held.feature, {}).setdefault(other.name, Cell())


def _judge(cell: Cell, held: Held, losses: Sequence[Loss], *, gone: bool, heard: Sequence[Held]) -> None:
    if gone and _settled(held, heard):
        gone = False  # the same setting with another value
    for loss in losses:
        state = CHANGED if not gone else REFUSED if loss.content else DROPPED
        cell.add(state, _general(loss.reason))
    if not losses:
        place = None if gone else _moved(held, heard)
        cell.add(CHANGED if place else DROPPED if gone else CARRIED, place or "")


def _lost(said: Sequence[Held], heard: Sequence[Held], named: Sequence[Held] = ()) -> list[Held]:
    """Of facts that say the same, those that losses name are the lost ones."""
    texts = [held for held in said if held.fact.kind.startswith(content.TEXT)]
    others = [held for held in said if held not in texts]
    ordered = [*texts, *(held for held in others if held not in named), *(h for h in others if h in named)]
    lost = content.missing([held.fact for held in ordered], [held.fact for held in heard])
    return [held for held in said if any(held.fact is fact for fact in lost)]


def _settled(held: Held, heard: Sequence[Held]) -> bool:
    """Whether a setting of the same name arrived."""
    path = held.fact.path
    return not path.startswith(("messages.", "tools.", "answer.")) and any(
        other.fact.path == path for other in heard
    )


def _moved(held: Held, heard: Sequence[Held]) -> str | None:
    """Where a part of a tool's result stands, if not in the result."""
    if held.feature not in ("images in results", "files in results"):
        return None
    places = [other.feature for other in heard if other.fact.value == held.fact.value]
    return None if held.feature in places else "put into the user's turn, beside the result"


def _concerns(loss: Loss, held: Held, said: Sequence[Held]) -> bool:
    """Whether the loss is about this very thing, rather than about something else in it."""
    path = held.fact.path
    if loss.field.endswith(".role"):
        return _within(path, loss.field.removesuffix(".role"))
    if _within(path, loss.field):
        return True
    return _within(loss.field, path) and not any(
        other.fact.path != path and _within(loss.field, other.fact.path) for other in said
    )


def _of_whole_part(loss: Loss, held: Held, said: Sequence[Held]) -> bool:
    """Whether the thing is a detail of a part that is refused as a whole: that is told of the part."""
    return (
        loss.content
        and held.fact.path != loss.field
        and any(other.fact.path == loss.field for other in said)
        and _within(held.fact.path, loss.field)
    )


def _within(path: str, outer: str) -> bool:
    return f"{path}.".startswith(f"{outer}.")


_PARTICULAR = (
    (re.compile(r"only the dialect \w+ knows (?:it|a part of type .*)"), "only its own dialect knows it"),
    (re.compile(r"a part that only \w+ understands"), "only its own dialect knows it"),
    (re.compile(r"only providers of the dialect \w+ run .*"), "only providers of its own dialect run it"),
    (re.compile(r"a tool that only \w+ runs"), "only providers of its own dialect run it"),
    (
        re.compile(r"sent as (?:the effort|an effort).*"),
        "a budget is sent as an effort, and the other way round",
    ),
    (re.compile(r", not [\w/.+-]+$"), ""),
)


def _general(reason: str) -> str:
    """A reason without what is particular to one golden case."""
    for pattern, instead in _PARTICULAR:
        reason = pattern.sub(instead, reason)
    for name, title in TITLES.items():
        reason = reason.replace(f"the dialect {name}", title)
    return reason


# --- answers --------------------------------------------------------------------------------------


def answers_to(client: Dialect) -> Table:
    """What clients of the dialect get of answers of the others."""
    table: Table = {}
    for name in TITLES:
        if name == client.name:
            continue
        for reply in _answers(DIALECTS[name]):
            sealed = provenance.seal_reply(reply, name)
            said = of_answer(sealed)
            heard = of_answer(client.read_reply(client.write_reply(sealed, replies.AS_IT_CAME)))
            lost = _lost(said, heard)
            for held in said:
                instead = INSTEAD.get(held.feature, "") if held in lost else ""
                state = CHANGED if instead else DROPPED if held in lost else CARRIED
                _cell(table, held, DIALECTS[name]).add(state, instead)
    return table


def _answers(provider: Dialect) -> Iterator[Reply]:
    for case in golden.cases(GOLDEN, provider.name):
        if case.reply is not None:
            yield provider.read_reply(case.reply)
        if case.stream is not None:
            yield fold(streams.read(provider, [case.stream]))


# --- the page -------------------------------------------------------------------------------------


def page() -> str:
    asked = {name: requests_of(DIALECTS[name]) for name in TITLES}
    given = {name: answers_to(DIALECTS[name]) for name in TITLES}
    tables = [*(table for table, _ in asked.values()), *given.values()]
    cells = [cell for table in tables for row in table.values() for cell in row.values()]
    reasons = sorted({reason for cell in cells for told in cell.found.values() for reason in told})
    numbers = {reason: number for number, reason in enumerate(reasons, 1)}
    lines = [INTRODUCTION]
    for name, title in TITLES.items():
        table, own = asked[name]
        lines += [f"## Clients of {title} (`{name}`)", "", "### What they ask", ""]
        lines += [*_rows(table, name, numbers), "", *_own_members(own), "### What they get", ""]
        lines += [*_rows(given[name], name, numbers), ""]
    lines += ["## Reasons", "", *(f"{number}. {reason}" for reason, number in numbers.items())]
    return "\n".join(lines) + "\n"


def _rows(table: Table, client: str, numbers: Mapping[str, int]) -> Iterator[str]:
    others = [name for name in TITLES if name != client]
    yield "| | " + " | ".join(TITLES[name] for name in others) + " |"
    yield "|---|" + "---|" * len(others)
    for feature in sorted(table, key=ORDER.index):
        row = table[feature]
        shown = [row[name].shown(numbers) if name in row else "" for name in others]
        yield f"| {feature} | " + " | ".join(shown) + " |"


def _own_members(own: Mapping[str, set[str]]) -> Iterator[str]:
    for feature, names in sorted(own.items()):
        yield f"{feature[0].upper()}{feature[1:]}: {', '.join(f'`{name}`' for name in sorted(names))}."
        yield ""


def main() -> int:
    PAGE.write_text(page(), encoding="utf-8")
    return 0


if __name__ == "__main__":
    sys.exit(main())
