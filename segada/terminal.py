"""What a command prints on."""

import rich
from rich.console import Console


def terminal() -> Console:
    """The console of this process; bars of loading, which know it too, stand below what a command shows meanwhile."""
    rich.reconfigure(highlight=False)
    return rich.get_console()
