"""A file is read as it was written, or refused: names of many languages, in the encodings that their programs write."""

import csv
import io
import random
from pathlib import Path

import pytest
from names import NAMES
from source_contract import read
from test_csv_source import source, write

from syncd.errors import IncompleteRead

ENCODINGS = (
    "utf-8 utf-8-sig utf-16 utf-16-le utf-16-be utf-32 windows-1252 iso-8859-15 windows-1250 iso-8859-2 windows-1254 "
    "iso-8859-9 windows-1257 cp850 cp437 cp852 cp857 mac-roman mac-latin2 windows-1251 koi8-r cp866 windows-1253"
).split()
OF_UNICODE = [name for name in ENCODINGS if name.startswith("utf")]
WESTERN = list(NAMES)[:11]
ROWS = 40
FEW = (1, 2, 3, 5, 8)


def column_of(words: list[str], count: int, seed: int) -> list[str]:
    """A column of plain names, so many of which are among these words."""
    chosen = random.Random(seed).sample(words, min(count, len(words)))
    return [*["Anna", "Bea", "Schmidt"] * ROWS][: ROWS - len(chosen)] + chosen


def as_file(names: list[str], encoding: str) -> bytes:
    text = io.StringIO()
    writer = csv.writer(text, delimiter=";", lineterminator="\r\n")
    writer.writerows([("Nr", "Name"), *enumerate(names, 1)])
    return text.getvalue().encode(encoding)


def names_read(folder: Path, content: bytes, **options: str) -> list[object] | None:
    """None where the file is refused."""
    write(folder / "members.csv", content)
    try:
        return [record.values["Name"] for record in read(source(folder, **options))]
    except IncompleteRead:
        return None


def can_write(encoding: str, words: str) -> bool:
    try:
        words.encode(encoding)
    except UnicodeEncodeError:
        return False
    return True


PAIRS = [(language, encoding) for language in NAMES for encoding in ENCODINGS if can_write(encoding, NAMES[language])]


@pytest.mark.parametrize(("language", "encoding"), PAIRS)
def test_a_list_is_read_as_it_was_written_or_refused(tmp_path, language, encoding):
    names = column_of(NAMES[language].split(), ROWS, 0)
    assert names_read(tmp_path, as_file(names, encoding)) in (names, None)


@pytest.mark.parametrize(("language", "encoding"), PAIRS)
def test_a_list_is_read_once_its_encoding_is_named(tmp_path, language, encoding):
    names = column_of(NAMES[language].split(), ROWS, 0)
    assert names_read(tmp_path, as_file(names, encoding), encoding=encoding) == names


@pytest.mark.parametrize(
    ("language", "encoding"), [pair for pair in PAIRS if pair[1] in OF_UNICODE or pair[1] == "windows-1252"]
)
def test_a_list_in_unicode_or_of_the_west_in_windows_1252_is_read(tmp_path, language, encoding):
    names = column_of(NAMES[language].split(), ROWS, 0)
    assert names_read(tmp_path, as_file(names, encoding)) == names


def test_few_names_decide_too_and_few_are_read_wrong_or_refused_in_vain(tmp_path):
    """Of a single name the letters may be natural in two code pages; such names are counted, and must stay few."""
    table = []
    for count in FEW:
        wrong = vain = right = total = western = 0
        for language, encoding in PAIRS:
            if encoding in OF_UNICODE:
                continue
            for seed in range(3):
                names = column_of(NAMES[language].split(), count, seed)
                found = names_read(tmp_path, content := as_file(names, encoding))
                is_ours = content.decode("windows-1252", "replace") == content.decode(encoding)
                total, western = total + (not is_ours), western + is_ours
                wrong += found is not None and found != names
                right += is_ours and found == names
                vain += is_ours and found is None
        table.append((count, western, right, vain, total, wrong))
    print("\nnames  windows-1252: lists  read  refused | other: lists  read wrong")
    for row in table:
        print("{:5}  {:19}  {:4}  {:7} | {:12}  {:10}".format(*row))
    for count, western, _, vain, total, wrong in table:
        assert wrong <= total * (0.05 if count == 1 else 0.01), count
        assert vain <= western * 0.02, count


# --- what is told


def refusal(folder, content: bytes, **options: str) -> IncompleteRead:
    write(folder / "members.csv", content)
    with pytest.raises(IncompleteRead) as error:
        read(source(folder, **options))
    return error.value


@pytest.mark.parametrize(
    ("name", "encoding", "seen"),
    [
        ("Weiß", "cp850", "'á' where cp850 has 'ß'"),
        ("Łódź", "windows-1250", "'£' where windows-1250 has 'Ł'"),
        ("Yıldız", "windows-1254", "'ý' where windows-1254 has 'ı'"),
        ("Jörg", "mac-roman", "'š' where mac-roman has 'ö'"),
        ("Škoda", "iso-8859-15", "'¦' where iso-8859-15 has 'Š'"),
        ("Сергей", "windows-1251", "'Ñ' where windows-1251 has 'С'"),
    ],
)
def test_a_refusal_names_the_line_the_letter_and_the_likely_encoding(tmp_path, name, encoding, seen):
    names = ["Anna"] * 5 + [name] + ["Bea"] * 34
    error = refusal(tmp_path, as_file(names, encoding))
    assert error.place == "members.csv line 7"
    assert error.message.endswith(f"as Windows-1252 a word here has {seen}")
    assert f'encoding = "{encoding}"' in error.remedy
    assert name not in str(error)
    assert names_read(tmp_path, as_file(names, encoding), encoding=encoding) == names


@pytest.mark.parametrize("encoding", ["windows-1255", "windows-1256", "shift-jis", "gbk"])
def test_a_script_that_is_not_known_is_refused(tmp_path, encoding):
    words = {"windows-1255": "שלום", "windows-1256": "محمد", "shift-jis": "日本語", "gbk": "北京市"}
    names = ["Anna"] * 20 + [words[encoding]] * 20
    assert names_read(tmp_path, as_file(names, encoding)) is None


def test_a_few_rows_of_another_encoding_in_a_long_file_are_found(tmp_path):
    ours = as_file(column_of(NAMES["German"].split(), 26, 1) * 50, "windows-1252")
    for encoding in ("utf-8", "cp850", "mac-roman"):
        assert names_read(tmp_path, ours + "9001;Jäger\r\n9002;Köhler\r\n".encode(encoding)) is None, encoding


SIGNS = [
    "5 €", "§ 12 Abs. 3", "5 m²", "20 °C", "Nr. 5½", "O´Neill", "Anna – Bea", "D’Angelo", "Andy’s", "N° 5", "Müller®",
    "Köln–Bonn", "„Löwe“", "»Löwe«", "Verein „Zum Löwen“", "1. FC Köln …", "Dr.\xa0Weiß", "Œuvre", "l·lusió", "¿Qué?",
]  # fmt: skip


@pytest.mark.parametrize("text", SIGNS)
def test_signs_do_not_make_a_list_of_the_west_doubtful(tmp_path, text):
    names = [*column_of(NAMES["German"].split(), 12, 2), text]
    assert names_read(tmp_path, as_file(names, "windows-1252")) == names


# --- marks, and the end


@pytest.mark.parametrize("encoding", ["utf-8", "utf-16-le", "utf-16-be", "utf-32-le", "utf-32-be"])
@pytest.mark.parametrize("marks", [0, 1, 2])
def test_unicode_is_read_with_any_number_of_marks(tmp_path, encoding, marks):
    text = "\ufeff" * marks + "Nr;Name\r\n1;Müller\r\n2;Łódź\r\n3;Anna\r\n"
    assert names_read(tmp_path, text.encode(encoding)) == ["Müller", "Łódź", "Anna"]


def test_the_mark_of_a_file_that_was_joined_is_no_text(tmp_path):
    text = "\ufeffNr;Name\r\n1;Müller\r\n\ufeffNr;Name\r\n2;Weiß\r\n"
    assert names_read(tmp_path, text.encode()) == ["Müller", "Weiß"]


@pytest.mark.parametrize(
    ("text", "written", "named", "message"),
    [
        ("\ufeffNr;Name\n1;Müller\n", "utf-8", "cp850", "begins with the mark of utf-8, and is not cp850"),
        ("\ufeffNr;Name\n1;Müller\n", "utf-16-le", "utf-8", "begins with the mark of utf-16-le, and is not utf-8"),
        (
            "\ufeffNr;Name\n1;Müller\n",
            "utf-16-le",
            "utf-16-be",
            "begins with the mark of utf-16-le, and is not utf-16-be",
        ),
        ("Nr;Name\n1;Müller\n", "utf-8", "utf-16", "is not utf-16"),
    ],
)
def test_a_named_encoding_that_the_first_bytes_contradict_is_refused(tmp_path, text, written, named, message):
    error = refusal(tmp_path, text.encode(written), encoding=named)
    assert error.message == f"members.csv: {message}"
    assert "leave out `encoding`" in error.remedy
    assert names_read(tmp_path, text.encode(written)) == ["Müller"]


def test_a_mark_of_utf_8_above_lines_of_another_encoding_asks_for_a_new_export(tmp_path):
    error = refusal(tmp_path, b"\xef\xbb\xbfNr;Name\n1;M\xfcller\n")
    assert error.place == "members.csv line 2"
    assert "in one encoding" in error.remedy


@pytest.mark.parametrize("end", [b"\x1a", b"\x1a" * 100, b"\x1a\0\0", b"\x1a\r\n"])
@pytest.mark.parametrize("line_end", [b"\r\n", b""])
def test_the_mark_with_which_dos_ends_a_text_is_no_row(tmp_path, end, line_end):
    write(tmp_path / "members.csv", b"Nr;Name\r\n1;Anna\r\n2;Bea" + line_end + end)
    with source(tmp_path).open() as reading:
        assert [record.values["Name"] for record in reading] == ["Anna", "Bea"]
        assert reading.unsure is None


def test_what_stands_after_the_mark_of_the_end_is_not_left_out(tmp_path):
    error = refusal(tmp_path, b"Nr;Name\r\n1;Anna\r\n\x1a\r\n2;Bea\r\n\x1a")
    assert error.place == "members.csv line 3"


def test_nuls_at_the_end_are_told_as_a_file_that_was_not_finished(tmp_path):
    assert "not written to its end" in str(refusal(tmp_path, b"Nr;Name\n1;Anna\n" + b"\0" * 100))
