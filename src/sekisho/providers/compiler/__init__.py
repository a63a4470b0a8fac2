"""genai-prices -> the catalogue's dated files. The only place that needs that package: an extra, `prices`."""
