"""What every call passes before it may reach a provider. Steps do not know each other."""
