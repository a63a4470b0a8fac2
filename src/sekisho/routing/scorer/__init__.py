"""The scorer that ships: a linear model over features that are cheap to see, English and Japanese alike."""
