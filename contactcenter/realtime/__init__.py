"""The socket edge: what the event log says reaches whoever may see it, in order, and a client that was away catches up."""
