"""Which models the targets of a route are of: embeddings of two models cannot be compared."""

from collections.abc import Iterable

from sekisho.core.provider import Endpoint
from sekisho.core.route import Target

EMBEDDINGS = "embeddings"
"""What models that embed give, among `ModelFacts.output_modalities`."""


def models_of(targets: Iterable[Target]) -> list[str]:
    """Each once. Two servers of the operator's own that go by the same id serve the same model."""
    return list(dict.fromkeys(_model_of(target.endpoint) for target in targets))


def embeds(endpoint: Endpoint) -> bool:
    """Whether the endpoint's model is known to embed."""
    return endpoint.facts is not None and EMBEDDINGS in endpoint.facts.output_modalities


def _model_of(endpoint: Endpoint) -> str:
    unlisted = endpoint.model == f"{endpoint.provider.name}/{endpoint.upstream_model}"
    return endpoint.upstream_model if unlisted and endpoint.facts is None else endpoint.model
