"""`python -m launchkit`."""

from launchkit.cli import main

if __name__ == "__main__":
    main()
