"""What the caller asks for: the route of a model name, and whether this key may use it."""

from sekisho.core.error import Forbidden, ModelNotFound
from sekisho.core.operation import Operation
from sekisho.core.principal import Principal
from sekisho.core.route import Route, Snapshot
from sekisho.routing.names import nearest


def find_route(snapshot: Snapshot, model: str) -> Route:
    """Raises ModelNotFound with the nearest names."""
    route = snapshot.find(model)
    if route is not None:
        return route
    near = nearest(model, snapshot)
    hint = f"; did you mean {', '.join(near)}?" if near else "; GET /v1/models lists what is served"
    raise ModelNotFound(f"the model `{model}` is not served here{hint}", param="model")


def may_use(principal: Principal, route: Route) -> bool:
    """A virtual model must be allowed by its own name; a model pinned to one provider by the model's; a name
    that leads to others by any of these."""
    allowed = principal.allowed_models
    if allowed is None:
        return True
    if route.auto is not None:
        return any(may_use(principal, each) for each in route.auto.routes().values())
    if route.name in allowed:
        return True
    return not route.virtual and all(target.endpoint.model in allowed for target in route.targets)


def check_access(principal: Principal, route: Route, operation: Operation) -> None:
    """Raises Forbidden unless the key may use the route, and for this."""
    if principal.allowed_models is not None and not may_use(principal, route):
        if route.auto is not None:
            names = ", ".join(route.auto.routes())
            raise Forbidden(
                f"`{route.name}` leads to {names}, none of which this API key may use", param="model"
            )
        raise Forbidden(f"this API key may not use the model `{route.name}`", param="model")
    if principal.operations is not None and operation not in principal.operations:
        allowed = ", ".join(sorted(principal.operations)) or "nothing"
        raise Forbidden(f"this API key may not be used for `{operation}`, but for {allowed}")
