"""The HTTP edge: parse, authorise, call the desk."""
