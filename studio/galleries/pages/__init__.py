"""The pages of this room beyond library and picture, a module for each noun."""
