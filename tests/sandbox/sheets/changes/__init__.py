"""The requests of `spreadsheets.batchUpdate`."""
