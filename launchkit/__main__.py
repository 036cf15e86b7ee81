"""`python -m launchkit`."""

import sys

if __name__ == "__main__":
    if not sys.flags.safe_path:
        del sys.path[0]  # where somebody stands may be foreign code, with modules and plugins
    from launchkit.cli import main

    main()
