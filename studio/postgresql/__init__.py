"""Django's PostgreSQL, whose pool gets over a server that ended all its connections (`base.py`)."""
