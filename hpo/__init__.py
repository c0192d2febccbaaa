"""The search: chooses the settings under which the engine adapts. Importing it loads neither torch nor ray."""

from segada.cli.interruption import end_while_importing

end_while_importing()
