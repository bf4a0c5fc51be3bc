"""``python -m frameworkbench`` from a plain checkout, with nothing installed."""

from .cli import main

main()
