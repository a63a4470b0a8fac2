"""The proof that money is counted right: what providers charged, against what was held and booked."""
