"""What is done with findings once a scan has made them: words, pictures, reports, cases.

In: `records.Findings`, what campaigns have become (`campaigns.known`), and what a case has frozen. Out: wording for people (`wording`,
`telling`), kept scans (`scans`), the registry (`registry`), SVG pictures (`pictures`), one HTML file (`report`); of cases: their
events (`case_events`), where they are kept (`docket`), what may be done (`proceedings`), what they rest on (`freezing`, `material`), a
page and a PDF (`case_report`). May import: records, errors, lake, channels, campaigns, ledger, verifier. Never reads logs, never decides
anything.
"""
