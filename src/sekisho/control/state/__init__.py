"""What processes share through a Valkey or Redis: the connection to it, and each other's view of health."""
