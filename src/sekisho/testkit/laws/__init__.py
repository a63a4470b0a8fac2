"""What holds for every dialect, and for every scorer, as functions that raise AssertionError with the reason.

They need nothing but a `Dialect` and bytes, so that the author of a dialect can run them in any test runner.
`requests`, `replies`, `streams` and `errors` judge one dialect; `conservation` judges two against each other.
`scorers` judges a scorer.
"""
