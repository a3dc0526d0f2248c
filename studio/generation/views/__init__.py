"""The pages and fragments of Create."""
