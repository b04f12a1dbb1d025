"""What every run is made of: configuration, logs, the stages from loading to publishing, the word of a failure."""
