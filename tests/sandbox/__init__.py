"""Stand-ins for the outside world: servers that speak the real protocols, for the tests and for `make run`."""
