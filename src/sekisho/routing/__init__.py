"""From the configuration document to the snapshot that calls are routed by, and from a route to a plan."""
