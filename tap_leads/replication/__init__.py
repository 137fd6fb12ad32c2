"""Reading lists that change while they are read, without losing a row.

Pure: no HTTP, no Singer, no lead system. Everything is built on `model.Collection.fetch`.
"""
