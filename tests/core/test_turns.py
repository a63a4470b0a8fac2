"""What several APIs demand of turns."""

from sekisho.core.message import Message, Text, ToolResult
from sekisho.core.turns import join_results, results_first, said_by_user

FIRST, SECOND = ToolResult(call_id="1", parts=()), ToolResult(call_id="2", parts=())
MORE = Text(text="Go on.")


def user(*parts: Text | ToolResult) -> Message:
    return Message(role="user", parts=parts)


def test_results_stand_first_in_their_order() -> None:
    assert results_first([MORE, FIRST, SECOND]) == (FIRST, SECOND, MORE)
    assert results_first([MORE]) == (MORE,)


def test_messages_of_nothing_but_results_are_one_group() -> None:
    said = list(enumerate([user(FIRST), user(SECOND), user(FIRST, MORE), user(SECOND), user(MORE), user()]))
    groups = [[number for number, _ in group] for group in join_results(said)]
    assert groups == [[0, 1], [2], [3], [4], [5]]


def test_instructions_that_the_user_says_are_marked() -> None:
    assert said_by_user(MORE) == Text(text="<system>\nGo on.\n</system>")
    assert said_by_user(FIRST) is FIRST
