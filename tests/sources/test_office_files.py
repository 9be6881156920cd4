"""The files of an office: one list of people as many programs write it, all in one folder, each read right."""

from datetime import UTC, datetime
from pathlib import Path

import pytest
from damages import COLUMNS
from office_files import COUNT, Export, exports, people, plain_people

from syncd.domain.records import Customer
from syncd.gomus.fields import FIELDS
from syncd.mapping.columns import measure, require_columns
from syncd.mapping.mapper import Mapper
from syncd.mapping.spec import FieldSpec, ForeignIdSpec
from syncd.sources import find_source

EXPORTS = {export.name: export for export in exports()}
PLAIN = {"google-sheets.tsv", "postgresql-unaligned.txt", "mysql-outfile.tsv", "phpmyadmin.csv"} | {
    *("mssql-results.csv", "mssql-unicode.txt", "oracle-spool.txt"),
}


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("office")
    for export in EXPORTS.values():
        (folder / export.name).write_bytes(export.content)
    return folder


def mapper(export: Export) -> Mapper:
    empty = [{"null-if": export.null}] if export.null else []
    of = {"name": "Vorname", "surname": "Nachname", "email": "E-Mail", "tel": "Telefon privat", "notes": "Bemerkung"}
    of |= {"addr_street": "Strasse", "addr_zip": "PLZ", "addr_city": "Ort"}
    fields = {name: {"from": column, "transform": empty} for name, column in of.items()}
    day = "%Y-%m-%d" if export.iso_dates else "%d.%m.%Y"
    fields["date_of_birth"] = {"from": "Geburtsdatum", "transform": [*empty, {"date": day}]}
    return Mapper(
        foreign_id=ForeignIdSpec.model_validate({"from": "Mitgl.-Nr.", "prefix": "M-"}),
        fields={name: FieldSpec.model_validate(spec) for name, spec in fields.items()},
        catalogue=FIELDS,
    )


def meant(export: Export) -> dict[str, dict[str, object]]:
    found = {}
    for cells in (plain_people() if export.name in PLAIN else people())[1:]:
        of = dict(zip(COLUMNS, cells, strict=True))
        day, month, year = of["Geburtsdatum"].split(".")
        found[f"M-{of['Mitgl.-Nr.']}"] = {
            "name": of["Vorname"],
            "surname": of["Nachname"].replace("’", "'"),
            "email": of["E-Mail"],
            "tel": of["Telefon privat"],
            "addr_street": of["Strasse"],
            "addr_zip": of["PLZ"],
            "addr_city": of["Ort"],
            "notes": of["Bemerkung"] or None,
            "date_of_birth": f"{year}-{month}-{day}",
        }
    return found


@pytest.mark.parametrize("name", EXPORTS)
def test_each_file_of_the_office_is_read_right(folder, name):
    export = EXPORTS[name]
    adapter = find_source(export.options.get("type", "csv"))
    options = adapter.Options.model_validate({"type": "csv", "path": name, "settled": "0s", **export.options})
    source = adapter(options, base=folder, sleep=lambda _: None, clock=lambda: datetime.now(UTC))
    mapping = mapper(export)
    source.share = measure(mapping.columns)
    found: dict[str, dict[str, object]] = {}
    with source.open() as reading:
        require_columns(mapping.columns, reading.columns, reading.description, reading.hint)
        for record in reading:
            customer = mapping.customer(record, {})
            assert isinstance(customer, Customer), customer
            found[customer.foreign_id] = {
                field: value.replace("\r", "\n").replace("’", "'") if isinstance(value, str) else value
                for field, value in customer.fields.items()
            }
    assert len(found) == COUNT
    assert found == meant(export)
