"""What providers publish of their own incidents: their status pages, read and kept."""
