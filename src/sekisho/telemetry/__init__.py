"""What the gateway says about itself: logs, and the runner whose tasks must not die in silence."""
