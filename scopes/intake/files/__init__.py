"""Files of people and of connections, read row by row into facts; a row that cannot be read is refused alone."""
