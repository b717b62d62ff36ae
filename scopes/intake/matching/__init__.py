"""Which of a source's ids are one connection, and how records follow. Begin with `decision`."""
