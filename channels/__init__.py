"""Channel adapters: one file or folder each, named as the channel. Shared code starts with an underscore."""
