"""What other packages bring along, found by their entry points."""
