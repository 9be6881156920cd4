"""Where the keys and values of a TOML text stand: right, or not at all."""

import tomllib

import pytest
from hypothesis import given
from hypothesis import strategies as st

from syncd.config.places import children, find
from syncd.config.spans import find_spans

bare = st.text("abcXYZ019-_", min_size=1, max_size=4)
quoted = st.text(st.characters(codec="utf-8", exclude_categories=["Cs", "Cc"], exclude_characters="'"), max_size=5)
keys = st.one_of(bare, quoted.map(lambda text: f"'{text}'"), st.sampled_from(['"a b"', '"\\u00fc"', '"#"', '"]"']))
texts = st.one_of(
    quoted.map(lambda text: f"'{text}'"),
    quoted.map(lambda text: f"'''\n{text}\n'''"),
    quoted.map(lambda text: '"' + text.replace("\\", "\\\\").replace('"', '\\"') + '"'),
    st.sampled_from(['""', "''", '"""a"b""c"""', '"""a"""""', '"""\\"""""""', "'''a''b'''", '"# ] } ="']),
)
scalars = st.one_of(
    texts,
    st.integers().map(str),
    st.sampled_from(["true", "false", "inf", "-nan", "+1", "0xF_F", "1e5", "1_0.5", "1979-05-27 07:32:00", "07:32:00"]),
    st.sampled_from(["1979-05-27", "1979-05-27T07:32:00.5+01:00"]),
)
blanks = st.sampled_from(["", " ", "\t"])
gaps = st.sampled_from(["", " ", "\n", ' # ] } , "\n'])


@st.composite
def lists(draw, inner):
    items = draw(st.lists(inner, max_size=3))
    ends = [draw(gaps) for _ in items]
    return "[" + draw(gaps) + ",".join(item + end for item, end in zip(items, ends, strict=True)) + "]"


@st.composite
def inline_tables(draw, inner):
    pairs = [f"{draw(keys)}{draw(blanks)}={draw(blanks)}{draw(inner)}" for _ in range(draw(st.integers(0, 3)))]
    return "{" + draw(blanks) + (draw(blanks) + ",").join(pairs) + draw(blanks) + "}"


values = st.recursive(scalars, lambda inner: lists(inner) | inline_tables(inner), max_leaves=8)
dotted = st.lists(keys, min_size=1, max_size=3).map(" . ".join)
statements = st.one_of(
    st.tuples(dotted, blanks, values).map(lambda parts: f"{parts[0]}{parts[1]}={parts[2]}"),
    dotted.map(lambda name: f"[{name}]"),
    dotted.map(lambda name: f"[[{name}]]  # [x]"),
    st.sampled_from(["", "# a = 1", "\t# [a]"]),
)


def is_sound(text):
    try:
        tomllib.loads(text)
    except tomllib.TOMLDecodeError:
        return False
    return True


@st.composite
def documents(draw):
    """A statement that does not go with those before it, such as a key twice, is left out."""
    text = ""
    for statement in draw(st.lists(statements, max_size=8)):
        text = longer if is_sound(longer := f"{text}{statement}\n") else text
    return text


def leaves(document, path=()):
    """The paths of all that is no table."""
    for part, inner in children(document).items():
        if not isinstance(inner, dict):
            yield (*path, part)
        yield from leaves(inner, (*path, part))


def read(written):
    return tomllib.loads(f"x = {written}")["x"]


@given(documents())
def test_each_value_stands_where_it_is_said_to_stand(text):
    document, spans = tomllib.loads(text), find_spans(text)
    assert spans.lost is None
    for path, (start, end) in spans.values.items():
        assert repr(read(text[start:end])) == repr(find(document, path))


@given(documents())
def test_each_key_stands_where_it_is_said_to_stand(text):
    document, spans = tomllib.loads(text), find_spans(text)
    for path, (start, end) in spans.keys.items():
        written = text[start:end]
        last = next(part for part in reversed(path) if isinstance(part, str))
        if written.startswith("["):
            assert last in repr(tomllib.loads(written)) or repr(last)[1:-1] in repr(tomllib.loads(written))
        else:
            assert list(tomllib.loads(f"{written} = 1")) == [last]
        assert find(document, path) is not None


@given(documents())
def test_each_value_has_a_place(text):
    document, spans = tomllib.loads(text), find_spans(text)
    lists_of_tables = {path for path in leaves(document) if path in spans.keys and text[spans.keys[path][0]] == "["}
    assert set(leaves(document)) - lists_of_tables == {
        path for path in spans.values if not isinstance(find(document, path), dict)
    }


@given(st.text() | st.text("[]{}=\"'#,.\n ax\\"))
def test_a_text_that_is_no_toml_is_read_as_far_as_it_goes(text):
    spans = find_spans(text)
    assert spans.lost is not None or all(0 <= start < end <= len(text) for start, end in spans.keys.values())


def test_a_key_that_is_missing_is_sought_in_its_table():
    text = "[a]\nb = { c = 1 }\n[a.d]\n"
    spans = find_spans(text)
    assert text[slice(*spans.nearest(("a", "x")))] == "[a]"
    assert text[slice(*spans.nearest(("a", "b", "x")))] == "b"
    assert spans.nearest(("x", "y")) is None


@pytest.mark.parametrize(
    ("text", "places"), [("a = 1\nb = 2\na = 3\n", {12: 0}), ("[a]\n[b]\n[a]\n", {8: 0}), ("[[a]]\n[[a]]\n", {})]
)
def test_what_stands_twice_leads_to_the_first(text, places):
    assert find_spans(text).twice == places
