"""What clients of OpenRouter may call the configured providers."""

from collections.abc import Iterable, Mapping

from sekisho.core.provider import Provider


def provider_words(providers: Iterable[Provider]) -> Mapping[str, tuple[str, ...]]:
    """Folded word -> names of the providers that it stands for, in the document's order.

    A provider goes by its own name, by its catalogue row (so that `bedrock` is every Bedrock there is), by
    what OpenRouter calls that, by its label, and by name or row with its region: `bedrock/ap-northeast-1`.
    """
    found: dict[str, list[str]] = {}
    for provider in providers:
        slugs = [provider.name, provider.row, *([provider.slug] if provider.slug else [])]
        words = [*slugs, provider.label]
        if provider.policy.region is not None:
            words += [f"{slug}/{provider.policy.region}" for slug in slugs]
        for word in dict.fromkeys(map(folded, words)):
            found.setdefault(word, []).append(provider.name)
    return {word: tuple(names) for word, names in found.items()}


def folded(word: str) -> str:
    """`Amazon Bedrock` and `amazon-bedrock` are one word."""
    return "".join(character for character in word.casefold() if character.isalnum() or character == "/")
