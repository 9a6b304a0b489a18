"""What the command line shows: results as parts for people, and as records for machines. It prints nothing itself."""
