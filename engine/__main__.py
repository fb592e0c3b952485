"""``python -m engine``: everything a view can do, without a browser."""

from engine.cli import main

if __name__ == "__main__":
    main()
