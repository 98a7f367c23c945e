"""How fast text becomes fingerprints, beside rensa: the figures of `fingerprints` as rows with their bar."""

from __future__ import annotations

import fingerprints
from rows import Options, Row, main


def measure(options: Options) -> list[Row]:
    """The ratio to the fastest way of calling rensa, for the sketch alone and for all that is computed from text."""
    found = fingerprints.measure(megabytes=2.0, runs=3) if options.quick else fingerprints.measure()
    rows = []
    for name, result in found.items():
        speeds = tuple(f"{way}: {speed:.1f} MB/s" for way, speed in result["mb_per_s"].items())
        under = (
            f"{name}, {result['megabytes']:.1f} MB, one thread, median of alternating runs, each against rensa's fastest way in that run"
        )
        for ratio, what in (("sketch_ratio", "the sketch"), ("text_ratio", "all that is computed from text")):
            figure = result[ratio]
            rows.append(
                Row(
                    f"fingerprints against rensa 0.5, {name}: {what}",
                    f">= {fingerprints.BAR:g} x its rate",
                    f"{figure:.2f} x",
                    figure >= fingerprints.BAR,
                    under,
                    (),
                    speeds if ratio == "sketch_ratio" else (),
                )
            )
    return rows


if __name__ == "__main__":
    main(measure, "How fast text becomes fingerprints, beside rensa.")
