"""What the data looks like: records, tables, checks, figures and their labels. No I/O."""
