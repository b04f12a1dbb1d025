"""How a long range is loaded in chunks, by child runs that all workers share."""
