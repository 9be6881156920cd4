"""The registry of adapters: built-in ones and plug-ins are found alike, by the name of their type."""

from importlib.metadata import EntryPoint

import pytest

import syncd.sources
from syncd.sources import available_sources, find_source
from syncd.sources.base import Source
from syncd.sources.files.csv import CsvSource


@pytest.fixture
def register(monkeypatch):
    def register(**values):
        entries = [EntryPoint(name, value, "syncd.sources") for name, value in values.items()]
        monkeypatch.setattr(syncd.sources, "entry_points", lambda group: entries if group == "syncd.sources" else [])
        syncd.sources._registered.cache_clear()

    yield register
    syncd.sources._registered.cache_clear()


def test_the_built_in_source_is_registered():
    assert "csv" in available_sources()
    assert find_source("csv") is CsvSource


def test_a_plug_in_is_found_like_a_built_in_one(register):
    register(csv="syncd.sources.files.csv:CsvSource", crm="syncd.sources.files.csv:CsvSource")
    assert available_sources() == ("crm", "csv")
    assert find_source("crm") is CsvSource


def test_an_unknown_name_is_told_the_nearest_and_all_there_are(register):
    register(csv="syncd.sources.files.csv:CsvSource", crm="syncd.sources.files.csv:CsvSource")
    with pytest.raises(LookupError) as error:
        find_source("csw")
    assert str(error.value) == "there is no source 'csw'; did you mean 'csv'? (available: 'crm', 'csv')"


def test_something_else_than_an_adapter_is_refused(register):
    register(path="pathlib:Path")
    with pytest.raises(LookupError, match="pathlib:Path, registered as the source 'path', is no adapter"):
        find_source("path")


def test_a_missing_package_is_told_as_such(register):
    register(excel="no_such_package.of_ours:Source")
    with pytest.raises(ImportError, match="no_such_package"):
        find_source("excel")


def test_an_adapter_has_one_mandatory_method():
    assert Source.__abstractmethods__ == {"open"}
