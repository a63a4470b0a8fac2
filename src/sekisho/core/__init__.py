"""The hub: pure values that every layer shares. Nothing here does I/O or reads a clock."""
