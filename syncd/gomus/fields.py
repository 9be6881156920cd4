"""The customer fields of the go~mus API that may be mapped, and what becomes of each when a customer is anonymized."""

from collections.abc import Mapping

from syncd.domain.records import Field, FieldKind

GONE = "anonymisiert"  # where the API wants a name

_ALL = (
    Field(name="name", code=1, placeholder=GONE),
    Field(name="surname", code=2, placeholder=GONE),
    Field(name="email", code=3, kind=FieldKind.EMAIL),  # the eraser gives each customer a placeholder of its own
    Field(name="tel", code=4),
    Field(name="mobile", code=5),
    Field(name="fax", code=6),
    Field(name="customer_salutation_id", code=7, kind=FieldKind.ID),
    Field(name="customer_title_id", code=8, kind=FieldKind.ID),
    Field(name="is_institution", code=9, kind=FieldKind.BOOLEAN, personal=False),
    Field(name="institution", code=10),
    Field(name="notes", code=11, max_length=65_535, has_lines=True),
    Field(name="language_id", code=12, kind=FieldKind.ID, personal=False),
    Field(name="date_of_birth", code=13, kind=FieldKind.DATE),
    Field(name="vat_number", code=14),
    Field(name="addr_street", code=15),
    Field(name="addr_zip", code=16),
    Field(name="addr_city", code=17),
    Field(name="addr_country_id", code=18, kind=FieldKind.ID, personal=False),
    Field(name="addr_institution_id", code=19, kind=FieldKind.ID, personal=False),
    Field(name="addr_category", code=20, personal=False, may_be_hidden=True),
)

FIELDS: Mapping[str, Field] = {field.name: field for field in _ALL}
