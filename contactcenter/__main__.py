"""`python -m contactcenter` is the command line."""

from contactcenter.cli import app

app()
