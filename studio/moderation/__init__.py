"""What may be asked for, and what may be shown outside: words, and what a picture seems to be."""
