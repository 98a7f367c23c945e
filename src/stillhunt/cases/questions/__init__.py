"""The four questions of a case: who controlled the accounts, who generated the calls, what were they used for, which rules did that break.

In: `cases.material.Material`, which is read and never changed. Out: one `records.cases.Answer` a question, from one module each
(`controlled`, `generated`, `purpose`, `breaches`), beside modules of pure functions over columns that they rest on. May import: records,
errors, lake, channels, campaigns, cases.material. Nothing here names a person or a company: names enter a case as an analyst's exhibit.
"""
