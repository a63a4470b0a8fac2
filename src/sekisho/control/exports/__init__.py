"""Providers' own accounts of usage and cost, as their consoles and APIs export them."""
