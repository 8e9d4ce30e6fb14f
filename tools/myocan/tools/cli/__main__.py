"""`python -m myocan.tools.cli` is `myocan`, for where the script is not on the path."""

from myocan.tools.cli import main

main()
