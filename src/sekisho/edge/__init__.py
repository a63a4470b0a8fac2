"""The data plane's HTTP: requests in, answers out. Knows no provider and no database."""
