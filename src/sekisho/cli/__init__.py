"""One function a command. Commands parse and print; the work is done elsewhere."""
