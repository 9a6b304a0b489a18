"""Where an index lives: in memory or in an SQLite file."""
