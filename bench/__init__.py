"""Side-by-side measurements of the gateway and its peers: `python -m bench`."""
