"""What providers of this dialect serve beside chat."""

from collections.abc import Mapping
from types import MappingProxyType

from sekisho.core.contract import Retrieval
from sekisho.core.operation import Operation
from sekisho.wire import embeddings, rerank

RETRIEVAL: Mapping[Operation, Retrieval] = MappingProxyType(
    {
        Operation.EMBEDDINGS: Retrieval(embeddings.check, embeddings.write, embeddings.read),
        Operation.RERANK: Retrieval(rerank.check, rerank.write, rerank.read),
    }
)
