"""The command: starts, supervises, inspects. Only it reads files and the environment."""
