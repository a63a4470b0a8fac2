"""What the marketplace knows beside rows and offers: quality scores, model families, incidents. All dated."""
