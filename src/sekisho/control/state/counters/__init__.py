"""Counters behind limits that all processes share, in a Valkey or Redis."""
