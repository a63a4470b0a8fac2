"""API languages. Each folder is one symmetric codec; none knows another."""
