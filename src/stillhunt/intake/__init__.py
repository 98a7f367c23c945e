"""Bytes to interactions: whatever log a provider has becomes rows of `records`, each exactly once.

In: paths of logs (plain, gzip, zstd; NDJSON, JSON, CSV, Parquet) of any registered format. Out: rows appended to a lake,
bad rows in a quarantine file, and a report that accounts for every record. Text leaves here as fingerprints only.
Flow: opening -> framing -> formats (through registry) -> rows -> fingerprint -> pipeline -> lake; join stands beside it.
`follow` brings in what is new in logs that grow, and keeps a journal of what was read.
May import: records, errors, and the lake (from `pipeline` alone).
"""
