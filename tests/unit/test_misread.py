"""Words that were read in a wrong code page before they came here are told by their letters; right ones never are."""

import random
from collections.abc import Iterator

import pytest
from names import NAMES

from syncd.letters.misread import Misreading, Words

CODE_PAGES = "cp1252 cp850 cp437 mac-roman cp1250 cp1254 cp1257 cp852 iso-8859-2 cp1251 utf-8".split()
TAKEN_FOR = "cp1252 cp850 cp437 mac-roman cp1250 cp1251".split()
FURTHER = {  # of languages whose letters nobody has counted
    "Vietnamese": "Nguyễn Trần Lê Phạm Hoàng Huỳnh Võ Đặng Bùi Đỗ Hồ Ngô Dương Lý Thị Đức Hữu Nghị Sơn Tuấn Ánh",
    "Romanian": "Ștefan Țepeș Brâncuși Ionuț Mureșan Bălan Gheorghiță",
    "Albanian": "Hoxhë Përparim Çeku Shqipëria Gëzim",
    "Slovak": "Ľubomír Žofia Štúr Kráľ Ďurica Ján Čižmár Šípoš Ľudmila",
    "Slovenian": "Žiga Šuštar Črnigoj Matjaž Božič",
    "Welsh": "Siân Llŷr Gŵyn Tŷ Cêtin",
    "Irish": "Seán Súilleabháin Máire Ní Gráinne Éamon",
    "Catalan": "Núria Gràcia Òscar Martí Montjuïc Barça",
    "Ukrainian": "Шевченко Ковальчук Ґалина Їжак Євген Володимир",
    "Serbian": "Милошевић Ђорђе Његош Љубица",
    "Georgian": "გიორგი მარიამ",
    "Arabic": "محمد فاطمة",
    "Chinese": "王小明 李娜",
    "Hebrew": "משה שרה",
    "Hawaiian": "Kīlauea Māori Tāmaki",
    "Estonian": "Õnne Jõgi Pärn Ülle Žukov Tõnis Mägi",
    "Maltese": "Ġorġ Ħal Żabbar",
    "Icelandic": "Þorbjörg Ægir Ýmir Þýðverjaland Eyþór",
    "capitals": "MÜLLER WEIß JÄGER ÖZDEMIR ÅKESSON ŁUKASZ ŠKODA ÉTIENNE ŞÜKRÜ İPEK",
    "signs": "§12 5€ 20°C ½ m² „Löwe“ »Café« Anna–Bea D’Angelo Müller® Nr.º5 10‰ µg ©2020 O´Neill naïve…",
}


def misreading_of(words: list[str]) -> Misreading | None:
    found = Words()
    for word in words:
        found.take(word)
    return found.find_misreading()


def lists(words: str, count: int, tries: int = 5) -> Iterator[list[str]]:
    for seed in range(tries):
        yield random.Random(seed).sample(words.split(), min(count, len(words.split())))


def misread(words: list[str], meant: str, taken_for: str) -> list[str] | None:
    try:
        found = [word.encode(meant).decode(taken_for) for word in words]
    except UnicodeError:
        return None
    has_controls = any(0x7F < ord(sign) < 0xA0 for word in found for sign in word)  # refused anyhow
    return None if found == words or has_controls else found


@pytest.mark.parametrize("count", [1, 2, 3, 5, 8, 30])
@pytest.mark.parametrize("language", [*NAMES, *FURTHER])
def test_words_that_are_right_are_never_taken_for_misread(language, count):
    assert [one for one in lists((NAMES | FURTHER)[language], count) if misreading_of(one)] == []


@pytest.mark.parametrize(("count", "share"), [(1, 0.4), (3, 0.9), (8, 0.97), (30, 1.0)])
def test_most_lists_that_were_misread_are_told(count, share):
    told = [
        misreading_of(wrong) is not None
        for words in NAMES.values()
        for meant in CODE_PAGES
        for taken_for in TAKEN_FOR
        for one in lists(words, count, tries=1)
        if (wrong := misread(one, meant, taken_for))
    ]
    assert len(told) > 300
    assert sum(told) >= share * len(told)


@pytest.mark.parametrize(
    ("word", "meant", "seen", "letter"),
    [
        ("£ódŸ", "cp1250", "£", "Ł"),
        ("M³ller", "cp1252", "³", "ü"),
        ("Stra▀e", "cp1252", "▀", "ß"),
        ("Kšnigstra§e", "mac-roman", "š", "ö"),
        ("Weiá K”ln Schr”der", "cp850", "”", "ö"),
    ],
)
def test_what_was_seen_and_what_was_meant_is_told(word, meant, seen, letter):
    found = misreading_of(word.split())
    assert found
    assert (found.meant, found.seen, found.letter) == (meant, seen, letter)
    assert word not in repr(found)


def test_a_misread_word_among_many_that_are_right_is_told_and_they_are_not():
    words = [*NAMES["German"].split(), "M³ller", "K÷nigstra▀e"]
    found = misreading_of(words)
    assert found
    assert [word for word in words if found.explains(word)] == ["M³ller", "K÷nigstra▀e"]
