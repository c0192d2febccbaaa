"""The search: chooses the settings under which the engine adapts. Importing it loads neither torch nor ray."""
