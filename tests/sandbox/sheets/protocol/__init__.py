"""What travels: Google's description of the API, requests and answers checked against it, errors, field masks."""
