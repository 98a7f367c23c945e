"""Worlds with known truth, to drill in and to measure on.

In: a `WorldSpec` (or a scan's findings and a world's truth). Out: simulated logs, accounts and entitlements with the truth
beside them (or a score). Nobody calls a model. May import: records and errors; nothing of the hunt, so that what is
measured cannot leak into what measures. People, `populations/` (innocent twins) and operators play on a `stage`; `texts`
gives them words, `machinery` everything else, `writers` the provider's log formats.
"""
