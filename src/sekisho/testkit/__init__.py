"""What the authors of plugins test with: the laws of dialects, golden conversations, a scripted provider."""
