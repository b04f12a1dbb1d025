"""What `flows.setup` does: reads `.env`, tries the services, makes what the server must hold, imports the old table."""
