"""Bytes <-> frames, without I/O."""
