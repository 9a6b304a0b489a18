"""Lets `python -m dedup` do what the script `dedup` does."""

from dedup.cli import main

if __name__ == "__main__":
    main()
