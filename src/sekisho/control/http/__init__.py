"""The control plane over HTTP: what admins ask below /admin/v1."""
