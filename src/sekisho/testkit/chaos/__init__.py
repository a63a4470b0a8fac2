"""Faults on demand: what providers do on a bad day, and what a configuration makes of it."""
