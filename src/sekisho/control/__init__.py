"""The control plane: keys, books and the database behind them. No call ever waits for any of it."""
