"""What the studio knows of a person: all of it for them to take along, and the end of it."""
