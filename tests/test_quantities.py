from __future__ import annotations

import math
import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mlci import quantities
from mlci.quantities import duration, share, show, show_size, size


@pytest.mark.parametrize(
    ("text", "seconds"),
    [
        ("200ms", 0.2),
        ("30s", 30.0),
        ("1.5m", 90.0),
        ("36h", 129_600.0),
        ("30d", 2_592_000.0),
        ("7us", 7e-6),
        ("0s", 0.0),
        ("0.000000001s", 1e-9),
    ],
)
def test_a_duration_is_read_as_seconds(text: str, seconds: float) -> None:
    assert duration(text) == pytest.approx(seconds, rel=1e-12)


@pytest.mark.parametrize(
    ("text", "count"),
    [
        ("1B", 1),
        ("500kB", 500_000),
        ("1MB", 10**6),
        ("2GB", 2 * 10**9),
        ("1TB", 10**12),
        ("1KiB", 1024),
        ("50MiB", 52_428_800),
        ("1.5GiB", 1_610_612_736),
        ("1TiB", 2**40),
    ],
)
def test_a_size_is_read_as_bytes(text: str, count: float) -> None:
    assert size(text) == count


@pytest.mark.parametrize(
    ("value", "expected"),
    [("0.1%", 0.001), ("100%", 1.0), ("100.0%", 1.0), ("0%", 0.0), ("99.5%", 0.995), (0.25, 0.25), (0, 0.0), (1, 1.0)],
)
def test_a_share_is_read_as_a_number_from_0_to_1(value: float | str, expected: float) -> None:
    assert share(value) == pytest.approx(expected, rel=1e-12)
    assert isinstance(share(value), float)


NEITHER = [
    *(
        "",
        " ",
        "5",
        "s",
        "ms",
        "5 s",
        " 5s",
        "5s ",
        "5s\n",
        "+5s",
        "-5s",
        "5,5s",
        ".5s",
        "5.s",
        "1e3s",
        "0x5s",
        "1_000s",
    ),
    *(
        "inf s",
        "nans",
        "5S",
        "5sec",
        "5Ms",
        "5mb",
        "5MIB",
        "5Kb",
        "5kiB",
        "5.5.5s",
        "\u0665s",
        "5\u00b5s",
        "5s5s",
        "1" * 16 + "s",
    ),
    "1.0000000000s",
]


@pytest.mark.parametrize("text", NEITHER, ids=ascii)
@pytest.mark.parametrize(
    ("read", "expected"),
    [(duration, "a duration such as 200ms"), (size, "a size such as 500kB")],
    ids=["duration", "size"],
)
def test_what_is_no_quantity_is_refused_with_what_is(read: object, expected: str, text: str) -> None:
    with pytest.raises(ValueError, match=expected) as caught:
        read(text)  # type: ignore[operator]
    assert repr(text) in str(caught.value)


@pytest.mark.parametrize("text", ["5ms", "3h"])
def test_a_unit_of_time_is_none_of_size(text: str) -> None:
    duration(text)
    with pytest.raises(ValueError, match="is not a size"):
        size(text)


@pytest.mark.parametrize(
    "value",
    ["101%", "100.1%", "-1%", "5", "0.5", "%", "5 %", "5%\n", "1e1%", "+5%", "\u0665%", -0.1, 1.1, math.inf, math.nan],
)
def test_what_is_no_share_is_refused(value: float | str) -> None:
    with pytest.raises(ValueError, match="is not a share; expected a number from 0 to 1"):
        share(value)


@given(st.integers(0, 10**12), st.sampled_from(sorted(quantities.DURATION)))
def test_a_whole_number_of_a_unit_is_so_many_of_it(number: int, unit: str) -> None:
    assert duration(f"{number}{unit}") == pytest.approx(number * quantities.DURATION[unit], rel=1e-12)


@given(st.integers(0, 10**12), st.sampled_from(sorted(quantities.SIZE)))
def test_a_whole_number_of_bytes_is_exact(number: int, unit: str) -> None:
    if number * quantities.SIZE[unit] < 2**53:
        assert size(f"{number}{unit}") == number * quantities.SIZE[unit]


PATTERNS = [
    (quantities.DURATION_PATTERN, duration),
    (quantities.SIZE_PATTERN, size),
    (quantities.SHARE_PATTERN, share),
]
near = st.from_regex(r"[-+ ]?[0-9]{0,17}\.?[0-9]{0,10} ?(us|ms|s|m|h|d|B|kB|MB|KiB|GiB|%|x)?", fullmatch=True)


@pytest.mark.parametrize(("pattern", "read"), PATTERNS, ids=["duration", "size", "share"])
@given(text=near)
def test_what_the_schema_allows_is_what_is_read(pattern: str, read: object, text: str) -> None:
    allowed = re.fullmatch(pattern.removeprefix("^").removesuffix("$"), text) is not None
    try:
        value = read(text)  # type: ignore[operator]
    except ValueError:
        assert not allowed
    else:
        assert allowed
        assert math.isfinite(value)
        assert value >= 0


@pytest.mark.parametrize(
    ("value", "unit", "expected"),
    [
        (0.91234567, "", "0.9123"),
        (4212, "", "4,212"),
        (4212.0, "rows", "4,212 rows"),
        (0.5, "rows", "0.5 rows"),
        (0, "", "0"),
        (-0.25, "", "-0.25"),
        (-1234567, "", "-1,234,567"),
        (1e-9, "", "1e-09"),
        (1e20, "", "1e+20"),
        (123456.789, "", "1.235e+05"),
        (0.0512, "share", "5.12%"),
        (1.0, "share", "100%"),
        (0.2, "s", "200ms"),
        (0.0123456, "s", "12.3ms"),
        (1.0, "s", "1s"),
        (90.123, "s", "90.1s"),
        (119, "s", "119s"),
        (120, "s", "2m"),
        (5400, "s", "90m"),
        (129_600, "s", "36h"),
        (259_200, "s", "3d"),
        (86_400 * 365.25 * 5, "s", "1,826d"),
        (52_428_800, "bytes", "50 MiB"),
        (math.nan, "", "not finite"),
        (math.inf, "share", "not finite"),
        (-math.inf, "bytes", "not finite"),
    ],
)
def test_a_number_is_shown_as_a_person_reads_it(value: float, unit: str, expected: str) -> None:
    assert show(value, unit) == expected


@pytest.mark.parametrize(
    ("count", "expected"),
    [
        (0, "0 B"),
        (1, "1 B"),
        (1023, "1023 B"),
        (1024, "1 KiB"),
        (1536, "1.5 KiB"),
        (2**20 - 1, "1024 KiB"),
        (2**20, "1 MiB"),
        (5 * 2**30, "5 GiB"),
        (2**40, "1 TiB"),
        (2**52, "4096 TiB"),
    ],
)
def test_bytes_are_shown_in_the_largest_unit_that_leaves_one(count: int, expected: str) -> None:
    assert show_size(count) == expected
    assert show(count, "bytes") == expected


@given(st.integers(1, 2**52))
def test_a_size_that_is_shown_reads_as_nearly_the_same(count: int) -> None:
    assert size(show_size(count).replace(" ", "")) == pytest.approx(count, rel=1e-3)


@given(st.floats(allow_nan=True, allow_infinity=True), st.sampled_from(["", "rows", "bytes", "s", "share"]))
def test_every_number_is_shown_on_one_short_line(value: float, unit: str) -> None:
    shown = show(value, unit)
    assert 0 < len(shown) < 330
    assert shown.isprintable()
