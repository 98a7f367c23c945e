"""What is done with findings once a scan has made them: words, pictures, reports, and later whole cases.

In: `records.Findings`. Out: wording for people (`wording`), kept scans (`scans`), SVG pictures (`pictures`),
one self-contained HTML file (`report`). May import: records, errors. Never reads logs, never decides anything.
"""
