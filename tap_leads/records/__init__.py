"""Records: converts API values to rows that every Singer target can load.

The package knows nothing of HTTP or of the way a list is read. `columns` declares what a stream
emits, `convert` converts single values, `privacy` removes and hashes values, `rows` builds rows.
"""
