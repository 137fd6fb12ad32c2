"""HTTP: how one account of a source is requested. Knows no source and no Singer."""
