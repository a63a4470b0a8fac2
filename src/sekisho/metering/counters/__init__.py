"""Counters behind limits, in this process's memory."""
