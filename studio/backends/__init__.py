"""Adapters to image engines. Nothing in this room knows Django's models or any app of the studio."""
