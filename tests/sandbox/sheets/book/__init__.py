"""A spreadsheet as it is kept: sheets, cells, ranges, colours."""
