"""HTTP/1.1 to providers: one pooled client, and what signs its requests."""
