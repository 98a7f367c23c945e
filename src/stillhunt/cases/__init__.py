"""What is done with findings once a scan has made them: words, pictures, reports, and later whole cases.

In: `records.Findings`, and what campaigns have become (`campaigns.known`). Out: wording for people (`wording`, `telling`), kept scans
(`scans`), the registry (`registry`), SVG pictures (`pictures`), one self-contained HTML file (`report`). May import: records, errors,
campaigns. Never reads logs, never decides anything.
"""
