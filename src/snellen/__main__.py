"""``python -m snellen``."""

from snellen.cli import main

if __name__ == "__main__":
    main()
