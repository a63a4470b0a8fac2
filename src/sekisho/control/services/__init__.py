"""What the control plane does, on top of its store."""
