"""Models as dated data: which provider serves which at what price, and what is known of each."""
