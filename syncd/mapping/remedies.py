"""What may have been meant by an argument that a transform does not take: the end of a message, or nothing."""

import re
from datetime import UTC, datetime

_LETTERS = {"j": "%Y", "y": "%Y", "t": "%d", "d": "%d", "m": "%m", "n": "%m"}
_REGIONS = {
    **dict.fromkeys(("germany", "deutschland", "ger", "deu", "d"), "DE"),
    **dict.fromkeys(("austria", "österreich", "aut", "a"), "AT"),
    **dict.fromkeys(("switzerland", "schweiz", "che", "suisse"), "CH"),
    **dict.fromkeys(("netherlands", "niederlande", "nederland"), "NL"),
    **dict.fromkeys(("france", "frankreich"), "FR"),
}
_EXAMPLES = {r"\d{1,2}\.\d{1,2}\.\d{4}": "%d.%m.%Y", r"\d{4}-\d{1,2}-\d{1,2}": "%Y-%m-%d", r"\d{1,2}/\d{1,2}/\d{4}": ""}


def remedy(name: str, argument: object) -> str:
    """For the transform of that name."""
    meant: object = None
    if isinstance(argument, str):
        meant = {"date": _form, "phone": _region}.get(name, _number)(argument)
        if name not in ("date", "phone", "pad", "truncate"):
            return ""
    if meant is None:
        return ""
    written = f'"{meant}"' if isinstance(meant, str) else meant
    beside = ", pivot = 2030" if "%y" in str(meant) else ""
    return f": write {{ {name} = {written}{beside} }}"


def _form(text: str) -> str | None:
    """From TT.MM.JJJJ, dd.mm.yyyy or 31.12.1980 to %d.%m.%Y."""
    for example, form in _EXAMPLES.items():
        if re.fullmatch(example, text.strip()):
            return form or None
    form = re.sub(r"%?([a-zA-Z])\1*", lambda found: _sign(found[0]), text.strip())
    is_whole = all(sign in form.replace("%y", "%Y") for sign in ("%d", "%m", "%Y"))
    return form if is_whole and reads(form) else None


def reads(form: str) -> bool:
    """Whether dates can be read in this form: not with signs that Python does not know, nor with one twice."""
    try:
        datetime.strptime(datetime(1980, 12, 31, tzinfo=UTC).strftime(form), form)  # noqa: DTZ007 - it is not used
    except (ValueError, re.error):
        return False
    return True


def _sign(letters: str) -> str:
    bare = letters.strip("%").casefold()
    sign = _LETTERS.get(bare[0], letters)
    return "%y" if sign == "%Y" and (len(bare) == 2 or letters == "%y") else sign


def _region(text: str) -> str | None:
    import phonenumbers

    bare = text.strip().casefold()
    if re.fullmatch(r"(\+|00)\d{1,3}", bare):
        regions = phonenumbers.region_codes_for_country_code(int(bare.lstrip("+")))
        return regions[0] if len(regions) == 1 and regions[0] in phonenumbers.SUPPORTED_REGIONS else None
    return bare.upper() if bare.upper() in phonenumbers.SUPPORTED_REGIONS else _REGIONS.get(bare)


def _number(text: str) -> int | None:
    return int(text) if re.fullmatch(r"[1-9]\d{0,2}", text.strip()) else None
