"""The pages of templates, by noun."""
