"""The only writers of templates."""
