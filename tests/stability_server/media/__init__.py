"""What the stand-in draws, plays and builds: real files of the right size, the same again for the same request and seed."""
