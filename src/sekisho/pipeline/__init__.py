"""The life of one call: steps, then attempts, then the books. Knows no HTTP server and no database."""
