"""Providers as data: catalogue rows, their deviations, and the dated prices and facts of their models."""
