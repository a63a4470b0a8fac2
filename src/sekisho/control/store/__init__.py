"""The database: its tables, its engine, its migrations, and the thread that waits for it."""
