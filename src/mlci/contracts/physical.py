"""Names that databases and dataframes have for types -> the types of mlci."""

from __future__ import annotations

import re

_NAMES = {
    "int": "int integer bigint smallint tinyint mediumint hugeint int2 int4 int8 int16 int32 int64 uint8 uint16 uint32 "
    "uint64 byteint long short serial bigserial ubigint uinteger usmallint utinyint",
    "float": "float double real decimal numeric number bignumeric float4 float8 float16 float32 float64 bigdecimal "
    "double_precision money dec",
    "string": "string str varchar char text character nvarchar nchar varchar2 nvarchar2 character_varying bpchar clob "
    "tinytext mediumtext longtext large_string utf8 uuid citext",
    "bool": "bool boolean bit logical",
    "date": "date date32 date64",
    "datetime": "datetime timestamp timestamptz timestamp_ntz timestamp_ltz timestamp_tz datetime2 smalldatetime "
    "datetime64 timestamp_without_time_zone timestamp_with_time_zone timestampntz",
}
_TYPES = {name: type_ for type_, names in _NAMES.items() for name in names.split()}


def type_of(name: str) -> str | None:
    """``"VARCHAR(18)"`` -> ``"string"``; None for what is no type of mlci. A ``NUMBER(10, 0)`` is float here."""
    if len(name) > 100:
        return None
    # "timestamp(6) without time zone", "datetime64[ns, UTC]", "string[python]": what is in brackets is its size
    bare = re.sub(r"\([^()]*\)|\[[^\[\]]+\]", "", name).strip().lower()
    return _TYPES.get(re.sub(r"\s+", "_", bare))
