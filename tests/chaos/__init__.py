"""The whole studio of several processes under load, while its parts are killed at random (`make chaos`)."""
