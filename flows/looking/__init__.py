"""What the commands that only look need: they make nothing, and start no server."""
