"""Replication: reads lists that change during the sync without losing a row.

The package knows nothing of HTTP, Singer or a particular API. Everything is built on one method,
`model.Collection.fetch`, and is tested in memory.

Strategies: `keyset` if the API can filter and sort by the cursor, `slices` if it can only filter,
`full_table` if it can do neither. All of them read result sets that only position can page through
with `ties.OverlappingScan`.
"""
