"""`python -m edgevoice` is `edgevoice`."""

from edgevoice.cli import main

main()
