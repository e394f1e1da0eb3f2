"""python -m app.cli: what ./civic becomes when everything is set up."""

from app.cli import main

main()
