"""An adapter as a package of its own: the folder holds adapter.toml, and nothing here is imported to list it."""
