"""How numbers and dates are typed and shown."""
