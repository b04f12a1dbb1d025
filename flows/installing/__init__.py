"""What `flows.setup` does: reads `.env`, tries the services, saves, makes what runs need, imports the old table."""
