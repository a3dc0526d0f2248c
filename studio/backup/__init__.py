"""A copy of everything that must not be lost, made while the studio runs, and the way back from it.

A backup folder holds dumps of the database, one for each time, and one mirror of the files for all of them: a file in the storage has a
name of its own and never changes, so a mirror that only grows fits every dump that was made while it grew.
"""
