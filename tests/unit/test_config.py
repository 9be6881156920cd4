"""The configuration: what is accepted, and how mistakes are told."""

import re
import tomllib
from datetime import UTC, datetime, timedelta
from pathlib import Path

import jsonschema
import pytest
from hypothesis import given
from hypothesis import strategies as st

from syncd.assembly import make_sync
from syncd.config import find_config, json_schema, load
from syncd.config.secrets import Reference, resolve
from syncd.config.words import shield
from syncd.domain.diff import DeleteMode
from syncd.domain.winner import Write
from syncd.errors import Misconfigured
from syncd.rehearsal.stage import without_numbers

ROOT = Path(__file__).parents[2]
CONTRACT = Path(__file__).parent / "contract"
EXAMPLE = ROOT / "config.example.toml"
ENV = {"GOMUS_TOKEN": "token-of-nobody", "SYNCD_DIGEST_KEY": "key-of-nobody", "GOMUS_URL": "https://demo.gomus.de"}

SMALLEST = """
[gomus.main]
url = "https://demo.gomus.de"
token = { env = "GOMUS_TOKEN" }

[sync.members]
foreign_id = { from = "Nr", prefix = "M-" }
fields = { surname = "Nachname" }

[sync.members.source]
type = "csv"
path = "members.csv"
"""


def contract_documents():
    main, csv = ((CONTRACT / name).read_text(encoding="utf-8") for name in ("main.toml", "csv_source.toml"))
    before, _, after = main.partition("[sync.members.source]")
    _, _, after = after.partition("[sync.members.foreign_id]")
    return {"main": main, "csv": f"{before}{csv}[sync.members.foreign_id]{after}"}


@pytest.fixture
def read(tmp_path):
    def read(text, env=ENV):
        path = tmp_path / "config.toml"
        path.write_text(text, encoding="utf-8")
        return load(path, env)

    return read


@pytest.fixture
def mistakes(read):
    def mistakes(text, env=ENV):
        with pytest.raises(Misconfigured) as refusal:
            read(text, env)
        return [str(problem) for problem in refusal.value.problems]

    return mistakes


def with_keys(table, *lines):
    """The smallest configuration with more lines in one of its tables."""
    header = f"[{table}]\n"
    more = header + "\n".join(lines) + "\n"
    return SMALLEST.replace(header, more) if header in SMALLEST else SMALLEST + more


def changed(line, replacement):
    assert line in SMALLEST
    return SMALLEST.replace(line, replacement)


# --- what is accepted


@pytest.mark.parametrize("name", ["main", "csv"])
def test_the_examples_of_the_contract_load_as_they_stand(read, name):
    assert list(read(contract_documents()[name]).syncs) == ["members"]


def test_every_key_of_the_contract_arrives(read, tmp_path):
    config = read(contract_documents()["main"])
    instance, sync = config.gomus["main"], config.syncs["members"]
    assert config.base == tmp_path
    assert config.state.digest_key.get_secret_value() == "key-of-nobody"
    assert (instance.url, instance.token.get_secret_value()) == ("https://demo.gomus.de", "token-of-nobody")
    assert (instance.batch_size, instance.concurrency, instance.requests_per_second) == (100, 4, 20)
    assert (instance.timeout, instance.attempts, instance.locale) == (timedelta(seconds=30), 5, "de")
    assert (sync.name, sync.gomus, sync.timezone.key, sync.schedule.text) == (
        "members", "main", "Europe/Berlin", "*/15 * * * *",
    )  # fmt: skip
    assert (sync.source.type, sync.source.path) == ("csv", "members.csv")
    assert (sync.foreign_id.from_, sync.foreign_id.prefix) == ("Mitgliedsnummer", "MEMBER-")
    assert list(sync.fields) == [
        "name", "surname", "email", "customer_salutation_id", "addr_country_id", "date_of_birth", "is_institution",
        "notes", "language_id",
    ]  # fmt: skip
    assert sync.delete.model_dump() == {
        "mode": DeleteMode.ANONYMIZE_THEN_DELETE, "grace": timedelta(days=30), "max_percent": 5, "max_count": 100,
        "linked": "release", "further_addresses": "hold",
    }  # fmt: skip
    assert sync.guards.model_dump() == {
        "update_percent": 50, "clear_percent": 20, "identity_percent": 5, "first_contact": 20, "invalid_percent": 20,
    }  # fmt: skip
    assert sync.fields["notes"].write is Write.CREATE


def test_what_may_be_left_out_is_what_the_contract_shows(read):
    shown, left_out = read(contract_documents()["csv"]), read(SMALLEST)
    ours, theirs = shown.syncs["members"], left_out.syncs["members"]
    assert (ours.delete, ours.guards, ours.timezone, ours.gomus) == (
        theirs.delete, theirs.guards, theirs.timezone, theirs.gomus,
    )  # fmt: skip
    assert ours.source.model_copy(update={"path": "members.csv"}) == theirs.source
    assert shown.gomus["main"].model_copy(update={"requests_per_second": None}) == left_out.gomus["main"]
    assert shown.state.url == left_out.state.url
    assert (theirs.schedule, left_out.state.digest_key) == (None, None)


def test_the_schedule_goes_by_the_clocks_of_the_time_zone(read):
    config = read(with_keys("sync.members", 'schedule = "0 3 * * 0"', 'timezone = "Europe/Lisbon"'))
    upcoming = config.syncs["members"].schedule.next_after(datetime(2026, 7, 6, tzinfo=UTC))
    assert upcoming.isoformat() == "2026-07-12T03:00:00+01:00"


def test_the_state_is_beside_the_configuration_wherever_syncd_is_started(read, tmp_path, monkeypatch):
    monkeypatch.chdir("/")
    assert read(SMALLEST).state.url == f"sqlite:///{tmp_path}/syncd.db"
    assert read(with_keys("state", 'url = "sqlite:////var/lib/syncd.db"')).state.url == "sqlite:////var/lib/syncd.db"


@pytest.mark.parametrize("scheme", ["postgres", "postgresql", "postgresql+psycopg"])
def test_postgresql_is_spoken_to_through_psycopg(read, scheme):
    config = read(with_keys("state", f'url = "{scheme}://syncd@db/syncd"', 'digest_key = { env = "SYNCD_DIGEST_KEY" }'))
    assert config.state.url == "postgresql+psycopg://syncd@db/syncd"


def test_any_value_may_stand_in_the_environment_or_in_a_file(read, tmp_path):
    (tmp_path / "size").write_text("50\n")
    text = with_keys("gomus.main", 'batch_size = { file = "size" }', 'timeout = { env = "T" }')
    text = text.replace('type = "csv"', 'type = { env = "TYPE" }').replace(
        '"Nachname"', '{ from = { env = "COLUMN" } }'
    )
    config = read(text, {**ENV, "T": "5s", "TYPE": "csv", "COLUMN": "Familienname"})
    assert (config.gomus["main"].batch_size, config.gomus["main"].timeout) == (50, timedelta(seconds=5))
    assert config.syncs["members"].fields["surname"].from_ == "Familienname"


@pytest.mark.parametrize(
    ("content", "value"), [("a\n", "a"), ("a\r\n", "a"), ("a", "a"), ("a\n\n", "a\n"), (" a ", " a ")]
)
def test_a_file_loses_one_newline_at_its_end_and_nothing_else(tmp_path, content, value):
    (tmp_path / "secret").write_bytes(content.encode())
    assert resolve([{"file": "secret"}], {}, tmp_path).document == [value]


@given(
    st.recursive(
        st.none() | st.booleans() | st.integers() | st.text(),
        lambda inner: st.lists(inner) | st.dictionaries(st.sampled_from(["from", "value", "env", "file", "x"]), inner),
    ).filter(lambda document: not re.search(r"'(env|file)': ['\"]", repr(document)))
)
def test_what_is_no_reference_stays_as_it_is(document):
    resolved = resolve(document, {}, Path())
    assert (resolved.document, resolved.references, resolved.problems) == (document, {}, {})


def test_the_file_is_named_by_the_option_then_the_environment_then_by_custom():
    assert find_config(Path("a.toml"), {"SYNCD_CONFIG": "b.toml"}) == Path("a.toml")
    assert find_config(None, {"SYNCD_CONFIG": "b.toml"}) == Path("b.toml")
    assert find_config(None, {"SYNCD_CONFIG": ""}) == find_config(None, {}) == Path("config.toml")


def test_a_byte_order_mark_as_notepad_writes_it_is_no_mistake(read):
    assert read("\ufeff" + SMALLEST)


# --- mistakes


PLAIN_TOKEN = (
    "gomus.main.token: a secret does not belong in this file in plain text: "
    'write token = { env = "NAME_OF_A_VARIABLE" } or { file = "/run/secrets/name" }'
)


def test_all_mistakes_are_told_at_once_in_the_order_of_the_file(mistakes):
    text = """
[state]
url = "mysql://root@db/syncd"

[gomus.main]
url = "https://demo.gomus.de"
token = "plain"
batch_size = 0
timeout = { env = "NOT_SET" }

[sync.members]
gomus = "mian"
schedule = "hourly"
timezone = "Berlin"
foreign_id = { from = "Nr", prefix = 5 }

[sync.members.source]
type = "csv"
path = 7

[sync.members.fields]
surnam = "Nachname"

[sync.members.delete]
mode = "purge"
grace = "7 dys"
max_count = "many"
max_procent = 5
"""
    assert mistakes(text) == [
        "state.url: must be 'sqlite:///FILE' or 'postgresql+psycopg://HOST/DATABASE'",
        PLAIN_TOKEN,
        "gomus.main.batch_size: 0 must be at least 1",
        "gomus.main.timeout: the environment variable NOT_SET is not set: set it for the process that runs syncd",
        "sync.members.gomus: there is no [gomus.mian]; did you mean 'main'?",
        "sync.members.schedule: 'hourly' is not a schedule such as '*/15 * * * *' or 'every 15m'",
        "sync.members.timezone: 'Berlin' is not a time zone such as 'Europe/Berlin'; did you mean 'Europe/Berlin'?",
        "sync.members.foreign_id.prefix: 5 must be text, in quotes",
        "sync.members.source.path: 7 must be text, in quotes",
        "sync.members.fields.surnam: go~mus has no customer field 'surnam'; did you mean 'surname'?",
        "sync.members.delete.mode: 'purge' is not one of 'anonymize-then-delete', 'anonymize', 'release' or 'ignore'",
        "sync.members.delete.grace: '7 dys' is not a duration such as '7d', '12h', '30m'",
        "sync.members.delete.max_count: 'many' is not a whole number",
        "sync.members.delete.max_procent: unknown key; did you mean 'max_percent'?",
    ]


def test_an_empty_file_is_told_what_is_needed(mistakes):
    assert mistakes("") == [
        'gomus: is missing: add a table [gomus.main] with url and token = { env = "GOMUS_TOKEN" }',
        "sync: is missing: add a table [sync.NAME] with source, foreign_id and fields",
    ]


def test_what_is_missing_is_named(mistakes):
    assert mistakes("[gomus.main]\n[sync.members]\nsource = { type = 'csv' }") == [
        'gomus.main.url: is missing: url = "https://demo.gomus.de", the address of your instance',
        'gomus.main.token: is missing: token = { env = "GOMUS_TOKEN" }',
        "sync.members.source.path: is missing: name a file, or url for one on another machine",
        (
            "sync.members.foreign_id: is missing: "
            'foreign_id = { from = "Column", prefix = "M-" }, with the column of the id'
        ),
        'sync.members.fields: is missing: fields = { surname = "Column" }, with your columns on the right',
    ]


@pytest.mark.parametrize(
    ("text", "mistake"),
    [
        (SMALLEST + "[syncs.x]\n", "syncs: unknown key; did you mean 'sync'?"),
        (with_keys("gomus.main", "batchsize = 5"), "gomus.main.batchsize: unknown key; did you mean 'batch_size'?"),
        (with_keys("sync.members", "shedule = 'x'"), "sync.members.shedule: unknown key; did you mean 'schedule'?"),
        (with_keys("sync.members.source", "delimeter = ';'"),
         "sync.members.source.delimeter: unknown key; did you mean 'delimiter'?"),
        (changed('{ surname = "Nachname" }', '{ surname = { from = "N", transfrom = [] } }'),
         "sync.members.fields.surname.transfrom: unknown key; did you mean 'transform'?"),
        (with_keys("sync.members.guards", "xyz = 5"),
         ("sync.members.guards.xyz: unknown key; there are clear_percent, first_contact, identity_percent, "
          "invalid_percent, update_percent")),
    ],
)  # fmt: skip
def test_an_unknown_key_is_a_mistake_and_the_nearest_one_is_named(mistakes, text, mistake):
    assert mistakes(text) == [mistake]


def test_an_unknown_kind_of_source_is_told_the_nearest_one(mistakes):
    (mistake,) = mistakes(changed('"csv"', '"csw"'))
    assert mistake.startswith("sync.members.source.type: ")
    assert "'csv'" in mistake


@pytest.mark.parametrize(
    ("table", "line", "mistake"),
    [
        ("sync.members.delete", "max_percent = 101", "sync.members.delete.max_percent: 101 must be at most 100.0"),
        ("sync.members.delete", "max_count = -1", "sync.members.delete.max_count: -1 must be at least 0"),
        ("sync.members.guards", "clear_percent = 'a'", "sync.members.guards.clear_percent: 'a' is not a number"),
        ("sync.members.guards", "first_contact = -1", "sync.members.guards.first_contact: -1 must be at least 0"),
        ("gomus.main", "concurrency = 2.5", "gomus.main.concurrency: 2.5 is not a whole number"),
        (
            "sync.members.source",
            "delimiter = 'x'",
            "sync.members.source.delimiter: 'x' is not 'auto', 'tab' or one sign such as ';'",
        ),
        ("gomus.main", "timeout = 30", "gomus.main.timeout: 30 is not a duration such as '7d', '12h', '30m'"),
    ],
)
def test_a_value_out_of_bounds_is_told_the_bounds(mistakes, table, line, mistake):
    assert mistakes(with_keys(table, line)) == [mistake]


def test_who_wins_is_one_of_four(mistakes):
    text = changed('{ surname = "Nachname" }', '{ surname = { from = "Nachname", write = "onec" } }')
    assert mistakes(text) == [
        "sync.members.fields.surname.write: 'onec' is not one of 'always', 'create', 'if-empty' or 'unless-changed'"
    ]
    assert not valid(tomllib.loads(text))


def test_a_mistake_deep_in_a_mapping_is_told_where_it_is(mistakes):
    text = (
        changed('surname = "Nachname"', "").replace("fields = {  }\n", "")
        + """
[sync.members.fields]
surname = { from = "N", transform = ["strip", "trimm"] }
name = { from = "V", value = 1 }
email = { from = "" }
"""
    )
    assert [mistake.partition(": ")[0] for mistake in mistakes(text)] == [
        "sync.members.fields.surname.transform[1]",
        "sync.members.fields.name",
        "sync.members.fields.email.from",
    ]


def test_a_value_where_a_table_belongs_is_a_mistake_that_does_not_quote_it(mistakes):
    assert mistakes(with_keys("sync", "other = 'perhaps a secret'")) == ["sync.other: must be a table"]


@pytest.mark.parametrize("name", ["a b", "ü", "a.b", ""])
def test_a_name_has_letters_digits_and_dashes_only(mistakes, name):
    assert mistakes(SMALLEST.replace("sync.members", f'sync."{name}"'))[0].endswith(
        f"the name {name!r} may have letters, digits, '-' and '_' only"
    )


SECOND = '[gomus.second]\nurl = "https://second.gomus.de"\ntoken = { env = "GOMUS_TOKEN" }\n'


def test_where_there_are_several_instances_a_sync_says_which(mistakes, read):
    assert mistakes(SMALLEST + SECOND) == [
        "sync.members.gomus: is needed where there are several instances: one of 'main', 'second'"
    ]
    assert read(with_keys("sync.members", "gomus = 'second'") + SECOND).syncs["members"].gomus == "second"


def test_postgresql_needs_a_key_for_there_is_no_place_beside_it(mistakes):
    assert mistakes(with_keys("state", 'url = "postgresql://syncd@db/syncd"')) == [
        'state.digest_key: is needed with PostgreSQL: digest_key = { env = "SYNCD_DIGEST_KEY" }'
    ]


@pytest.mark.parametrize("url", ["sqlite://", "sqlite:///:memory:", "sqlite:///a.db?mode=memory"])
def test_a_state_that_would_be_forgotten_is_refused(mistakes, url):
    assert mistakes(with_keys("state", f'url = "{url}"')) == [
        "state.url: names no file: 'sqlite:///syncd.db' is one beside this configuration"
    ]


def test_broken_toml_is_told_file_line_and_column(read, tmp_path):
    with pytest.raises(Misconfigured) as refusal:
        read("[state]\nurl = = 1\n")
    assert str(refusal.value) == f"{tmp_path}/config.toml:2:7: one = is enough"


def test_a_windows_path_in_double_quotes_is_told_what_to_do(read):
    with pytest.raises(Misconfigured, match="put Windows paths in single quotes"):
        read(changed('"members.csv"', r'"C:\Export\members.csv"'))


def test_a_file_that_is_not_there_is_told_how_to_name_one(tmp_path):
    with pytest.raises(Misconfigured) as refusal:
        load(tmp_path / "none.toml", {})
    assert str(refusal.value.problems[0]) == f"there is no configuration file {tmp_path}/none.toml"
    assert refusal.value.remedy == "name another with --config or SYNCD_CONFIG, or start from `syncd config example`"


def test_a_file_in_another_encoding_is_told_so(tmp_path):
    (tmp_path / "config.toml").write_bytes("[sync.für]".encode("windows-1252"))
    with pytest.raises(Misconfigured, match="is not UTF-8 text: save it with the encoding UTF-8"):
        load(tmp_path / "config.toml", {})


# --- references and secrets


@pytest.mark.parametrize(
    ("reference", "message"),
    [
        ('{ env = "NOT_SET" }', "the environment variable NOT_SET is not set: set it for the process that runs syncd"),
        ('{ env = "EMPTY" }', "the environment variable EMPTY is empty: put the value there"),
        ('{ file = "none" }', ("the file none cannot be read by syncd (No such file or directory): "
         "see that it is there, and that syncd may read it")),
        ('{ file = "empty" }', "the file empty is empty: put the value there"),
        ('{ file = "latin" }', "the file latin does not hold UTF-8 text: save it with the encoding UTF-8"),
    ],
)  # fmt: skip
def test_a_reference_that_leads_nowhere_is_told_once_with_what_to_do(mistakes, tmp_path, reference, message):
    (tmp_path / "empty").write_text("\n")
    (tmp_path / "latin").write_bytes(b"\xfcber")
    text = changed('token = { env = "GOMUS_TOKEN" }', f"token = {reference}")
    assert mistakes(text, {**ENV, "EMPTY": ""}) == [f"gomus.main.token: {message}"]
    batch_size = with_keys("gomus.main", f"batch_size = {reference}")
    assert mistakes(batch_size, {**ENV, "EMPTY": ""}) == [f"gomus.main.batch_size: {message}"]


@pytest.mark.parametrize(
    "written", ['"hunter2"', "4711", '["hunter2"]', '{ env = "A", file = "b" }', '{ value = "hunter2" }']
)
@pytest.mark.parametrize(
    ("table", "key"),
    [("gomus.main", "token"), ("state", "digest_key"), ("state", "ledger_key"), ("web", "trigger_token")],
)
def test_a_secret_in_plain_text_is_refused_and_not_quoted(mistakes, table, key, written):
    text = SMALLEST.replace('token = { env = "GOMUS_TOKEN" }\n', "") if key == "token" else SMALLEST
    header = f"[{table}]\n"
    text = (
        text.replace(header, f"{header}{key} = {written}\n") if header in text else f"{text}{header}{key} = {written}\n"
    )
    (mistake,) = mistakes(text)
    assert mistake == (
        f"{table}.{key}: a secret does not belong in this file in plain text: "
        f'write {key} = {{ env = "NAME_OF_A_VARIABLE" }} or {{ file = "/run/secrets/name" }}'
    )


@pytest.mark.parametrize(
    ("text", "mistake"),
    [
        (with_keys("gomus.main", 'batch_size = { env = "V" }'),
         "gomus.main.batch_size: what the environment variable V holds is not a whole number"),
        (with_keys("gomus.main", 'timeout = { env = "V" }'),
         "gomus.main.timeout: what the environment variable V holds is not a duration such as '7d', '12h', '30m'"),
        (with_keys("sync.members", 'timezone = { env = "V" }'),
         "sync.members.timezone: what the environment variable V holds is not a time zone such as 'Europe/Berlin'"),
        (with_keys("sync.members.guards", 'clear_percent = { env = "V" }'),
         "sync.members.guards.clear_percent: what the environment variable V holds is not a number"),
        (with_keys("sync.members", 'gomus = { env = "V" }'),
         "sync.members.gomus: what the environment variable V holds names no instance of this file"),
    ],
)  # fmt: skip
def test_a_value_from_elsewhere_is_named_by_where_it_stands(mistakes, text, mistake):
    assert mistakes(text, {**ENV, "V": "hunter2"}) == [mistake]


PLACES = {
    "gomus.main": ["url", "token", "batch_size", "concurrency", "requests_per_second", "timeout", "attempts", "locale"],
    "state": ["url", "digest_key"],
    "web": ["listen", "lang", "trigger_token"],
    "sync.members": ["gomus", "schedule", "timezone", "source", "foreign_id", "fields", "delete", "guards"],
    "sync.members.source": ["type", "path", "encoding", "delimiter", "settled", "unknown"],
    "sync.members.foreign_id": ["from", "prefix"],
    "sync.members.fields": ["surname", "unknown"],
    "sync.members.delete": ["mode", "grace", "max_percent", "max_count"],
}


@pytest.mark.parametrize(
    "value", ["hunter2", "http://hunter2@example.org/x", "csv hunter2", "hunter2{0}%s", "\x1bhunter2"]
)
@pytest.mark.parametrize(("table", "key"), [(table, key) for table, keys in PLACES.items() for key in keys])
def test_no_message_quotes_what_stands_elsewhere(tmp_path, table, key, value):
    document = tomllib.loads(SMALLEST)
    document["sync"]["members"]["delete"] = {}
    place = document
    for part in table.split("."):
        place = place.setdefault(part, {})
    place[key] = {"env": "V"}
    (tmp_path / "config.toml").write_text("\n".join(f"{key} = {as_toml(inner)}" for key, inner in document.items()))
    try:
        config = load(tmp_path / "config.toml", {**ENV, "V": value})
    except Misconfigured as error:
        assert "hunter2" not in str(error)  # noqa: PT017 - most places refuse it, some accept any text
    else:
        assert key not in ("token", "digest_key", "trigger_token") or "hunter2" not in repr(config)


def as_toml(value):
    """Enough of TOML for this test: tables are inline, all else is text."""
    if isinstance(value, dict):
        return "{" + ", ".join(f'"{key}" = {as_toml(inner)}' for key, inner in value.items()) + "}"
    return f'"{value}"'


def test_a_message_that_would_quote_a_part_of_what_stands_elsewhere_is_replaced():
    reference = Reference(kind="env", name="V")
    assert shield("there is no host hunter2", "https://hunter2/x", reference) == (
        "what the environment variable V holds is not valid here"
    )
    assert shield("'hunter2' is too short", "hunter2", reference) == (
        "what the environment variable V holds is too short"
    )


def test_a_password_in_an_address_is_not_quoted(mistakes):
    (mistake,) = mistakes(changed('"csv"', '"sftp://syncd:hunter2@files/members.csv"'))
    assert "sftp://...@files" in mistake
    assert "hunter2" not in mistake


def test_the_password_of_a_database_is_in_no_message_and_no_repr(mistakes, read):
    url = "postgresql://syncd:hunter2@db:port/syncd"
    (mistake,) = mistakes(with_keys("state", f'url = "{url}"'))
    assert "hunter2" not in mistake
    config = read(
        with_keys("state", f'url = "{url.replace("port", "5432")}"', 'digest_key = { env = "SYNCD_DIGEST_KEY" }')
    )
    assert "hunter2" not in repr(config)


# --- the example, and the schema


def test_the_example_loads():
    assert list(load(EXAMPLE, ENV).syncs) == ["members"]


def test_the_defaults_that_the_example_shows_are_those_of_the_program(tmp_path):
    lines = EXAMPLE.read_text(encoding="utf-8").splitlines()
    without = "digest_key|ledger|requests_per_second|placeholder|sentences|complete|where|worklist|gomus_id"
    without += "|merged_into|same_as|queue|run_memory|run_timeout|max_runs_of_museum"
    default = re.compile(rf"# (?!{without})[a-z_]+ = ")
    shown = [line[2:] if default.match(line) else line for line in lines]
    assert sum(old != new for old, new in zip(lines, shown, strict=True)) == 31
    (tmp_path / "config.toml").write_text("\n".join(shown), encoding="utf-8")
    left_out, written = load(EXAMPLE, ENV), load(tmp_path / "config.toml", ENV)
    assert written.gomus == left_out.gomus
    assert written.syncs == left_out.syncs
    assert written.daemon == left_out.daemon
    assert written.state.url == left_out.state.url.replace(str(ROOT), str(tmp_path))


@pytest.mark.parametrize(
    ("placeholder", "word"),
    [
        ('email = "geloescht@museum.example"', "{token}"),
        ('email = "{token}"', "e-mail address"),
        ('addr_stret = "-"', "'addr_street'"),
        ('language_id = "1"', "no personal field"),
        ('date_of_birth = "01.01.1900"', "date"),
        ('customer_salutation_id = "Herr"', "number"),
        ('tel = " "', "empty"),
        ('name = "{token}{token}{token}{token}{token}{token}{token}{token}"', "longer"),
    ],
)
def test_a_placeholder_has_to_fit_its_field(tmp_path, placeholder, word):
    file = tmp_path / "config.toml"
    file.write_text(with_keys("gomus.main", f"placeholder = {{ {placeholder} }}"), encoding="utf-8")
    with pytest.raises(Misconfigured) as refusal:
        load(file, ENV)
    [problem] = refusal.value.problems
    assert problem.path.startswith("gomus.main.placeholder")
    assert word in problem.message


def valid(document):
    return jsonschema.Draft202012Validator(json_schema()).is_valid(document)


def test_the_schema_is_a_schema():
    jsonschema.Draft202012Validator.check_schema(json_schema())


def test_the_schema_accepts_the_example_and_the_contract():
    for text in (EXAMPLE.read_text(encoding="utf-8"), SMALLEST, *contract_documents().values()):
        jsonschema.validate(tomllib.loads(text), json_schema(), jsonschema.Draft202012Validator)


@pytest.mark.parametrize(
    ("table", "line"),
    [
        ("gomus.main", "batchsize = 5"),
        ("gomus.main", "timeout = '7 dys'"),
        ("gomus.main", "timeout = 30"),
        ("state", "digest_key = 'plain'"),
        ("state", "digest_key = { env = 'A', file = 'b' }"),
        ("sync.members", "shedule = 'x'"),
        ("sync.members.source", "delimeter = ';'"),
        ("sync.members.guards", "clear_percent = 101"),
        ("sync.members.delete", "mode = 'purge'"),
    ],
)
def test_the_schema_refuses_what_loading_refuses(mistakes, table, line):
    text = with_keys(table, line)
    assert mistakes(text)
    assert not valid(tomllib.loads(text))


@pytest.mark.parametrize(
    "transform", ['"lower"', '["strip", "lower"]', '{ date = "%d.%m.%Y" }', '["strip", { phone = "DE" }]']
)
def test_the_schema_knows_the_transforms(read, transform):
    text = changed('"Nachname"', f'{{ from = "N", transform = {transform} }}')
    assert read(text)
    assert valid(tomllib.loads(text))
    assert not valid(tomllib.loads(text.replace("lower", "lowr").replace("date =", "dat =").replace("phone", "fone")))


def test_the_schema_refuses_a_field_that_go_mus_does_not_have():
    assert not valid(tomllib.loads(changed("surname", "surnam")))


def test_the_schema_lets_any_value_stand_elsewhere():
    text = with_keys("gomus.main", "batch_size = { env = 'A' }", "timeout = { file = 'b' }")
    text = text.replace('"Nachname"', '{ from = { env = "COLUMN" } }').replace(
        'prefix = "M-"', 'prefix = { env = "P" }'
    )
    assert valid(tomllib.loads(text))


def test_the_schema_shows_defaults_as_a_person_writes_them():
    assert json_schema()["$defs"]["DeleteOptions"]["properties"]["grace"]["default"] == "30d"


# --- tables whose type says which they are

REST = SMALLEST.replace('type = "csv"\npath = "members.csv"', 'type = "rest"\nurl = "https://crm.example.org/api"')


def with_rest(*lines):
    return REST + "\n".join(lines) + "\n"


KINDS_OF_AUTH = "'api-key', 'basic', 'bearer', 'oauth2'"
SECRET = 'token = { env = "GOMUS_TOKEN" }'


@pytest.mark.parametrize(
    ("line", "mistake"),
    [
        ("auth = { type = 'baerer' }", f"auth.type: 'baerer' is not one of {KINDS_OF_AUTH}; did you mean 'bearer'?"),
        ("auth = { type = 7 }", f"auth.type: 7 is not one of {KINDS_OF_AUTH}"),
        ("auth = { type = { env = 'V' } }",
         f"auth.type: what the environment variable V holds is not one of {KINDS_OF_AUTH}"),
        (f"auth = {{ {SECRET} }}", f"auth.type: is missing: one of {KINDS_OF_AUTH}"),
        ("auth = 'bearer'", 'auth: must be a table, as in { type = "bearer", token = { env = "CRM_TOKEN" } }'),
        ("auth = { type = 'bearer' }", 'auth.token: is missing: { env = "CRM_TOKEN" }'),
        (f"auth = {{ type = 'bearer', {SECRET}, tokn = 1 }}", "auth.tokn: unknown key; did you mean 'token'?"),
        ("pagination = { type = 'header' }", "pagination.header: is missing"),
        ("pagination = { type = 'header', header = 7 }", "pagination.header: 7 must be text, in quotes"),
        ("pagination = { type = 'header', header = 'Next', heade = 1 }",
         "pagination.heade: unknown key; did you mean 'header'?"),
        ("pagination = { type = 'cursor', cursor = 'a' }", "pagination.cursor_param: is missing"),
        ("pagination = { type = 'cursor', cursor = 'a', cursor_param = 7 }",
         "pagination.cursor_param: 7 must be text, in quotes"),
        ("pagination = { type = 'page', limit = 7 }",
         "pagination.limit: unknown key; there are in, more, page_param, size, size_param, start, type"),
        ("pagination = { type = 'page', in = 'boddy' }",
         "pagination.in: 'boddy' is not one of 'query' or 'body'; did you mean 'body'?"),
        ("incremental = { param = 'since' }", "incremental.cursor: is missing"),
    ],
)  # fmt: skip
def test_a_mistake_in_a_table_with_a_type_is_told_by_its_key(mistakes, line, mistake):
    assert mistakes(with_rest(line), {**ENV, "V": "hunter2"}) == [f"sync.members.source.{mistake}"]
    assert not valid(tomllib.loads(with_rest(line))) or "env = 'V'" in line


@pytest.mark.parametrize(
    ("table", "key"),
    [
        ("auth = {{ type = 'bearer', token = {} }}", "auth.token"),
        ("auth = {{ type = 'basic', username = 'u', password = {} }}", "auth.password"),
        ("auth = {{ type = 'api-key', header = 'k', value = {} }}", "auth.value"),
        ("auth = {{ type = 'oauth2', token_url = 'https://x.example', client_id = 'c', client_secret = {} }}",
         "auth.client_secret"),
        ("headers = {{ X-Api-Key = {} }}", "headers.X-Api-Key"),
        ("params = {{ access_token = {} }}", "params.access_token"),
    ],
)  # fmt: skip
def test_a_secret_within_a_table_with_a_type_is_refused_in_plain_text(mistakes, read, table, key):
    (mistake,) = mistakes(with_rest(table.format("'hunter2'")))
    assert mistake.startswith(f"sync.members.source.{key}: a secret does not belong in this file in plain text")
    assert "hunter2" not in mistake
    assert not valid(tomllib.loads(with_rest(table.format("'hunter2'"))))
    accepted = with_rest(table.format("{ env = 'GOMUS_TOKEN' }"))
    assert "token-of-nobody" not in repr(read(accepted))
    assert valid(tomllib.loads(accepted))


def test_what_is_no_secret_may_stand_in_parameters_and_headers(read):
    text = with_rest("params = { sort_key = 'id', fields = ['a', 'b'] }", "headers = { Accept = 'application/json' }")
    assert read(text).syncs["members"].source.params == {"sort_key": "id", "fields": ["a", "b"]}
    assert valid(tomllib.loads(text))


def test_the_examples_of_the_contract_for_rest_load_as_they_stand(read):
    text = (CONTRACT / "rest_source.toml").read_text(encoding="utf-8")
    env = {**ENV, "CRM_TOKEN": "of nobody"}
    alternatives = re.findall(r"(?m)^(?:#     |(\w+) =) (\{ type = .*?\})(?= {2,}|$)", text)
    key, lines = "", [line for line in text.splitlines() if not line.startswith("#")]
    assert len(alternatives) == 10
    for named, table in alternatives:
        key = named or key
        own = [line for line in lines if not line.startswith(f"{key} =")] + [
            f"{key} = {table}".replace("{...}", "{ env = 'CRM_TOKEN' }").replace('"..."', '"https://crm.example.org"')
        ]
        document = REST.partition("[sync.members.source]")[0] + "\n".join(own).replace("sync.contacts", "sync.members")
        assert getattr(read(document, env).syncs["members"].source, key).type in table
        assert valid(tomllib.loads(document))


# --- the ledger of erasures


@pytest.mark.parametrize(
    ("written", "place"),
    [
        ("erasures.ledger", "{base}/erasures.ledger"),
        ("/srv/erasures.ledger", "/srv/erasures.ledger"),
        ("sqlite:///ledger.db", "sqlite:///{base}/ledger.db"),
        ("postgresql://syncd@db/ledger", "postgresql+psycopg://syncd@db/ledger"),
    ],
)
def test_a_ledger_is_a_path_beside_the_configuration_or_a_database(read, tmp_path, written, place):
    keys = ('ledger_key = { env = "SYNCD_DIGEST_KEY" }', f'ledger = "{written}"')
    assert read(with_keys("state", *keys)).state.ledger == place.format(base=tmp_path)


@pytest.mark.parametrize("written", ["mysql://db/ledger", "sqlite://", " "])
def test_a_place_that_can_hold_no_ledger_is_refused(mistakes, written):
    keys = ('ledger_key = { env = "SYNCD_DIGEST_KEY" }', f'ledger = "{written}"')
    (mistake,) = mistakes(with_keys("state", *keys))
    assert mistake.startswith("state.ledger: ")


def test_a_ledger_needs_a_key_that_is_not_made_beside_the_state(mistakes):
    assert mistakes(with_keys("state", 'ledger = "erasures.ledger"')) == [
        'state.ledger_key: is needed with a ledger: ledger_key = { env = "SYNCD_LEDGER_KEY" }'
    ]


def test_the_keys_of_a_ledger_are_the_one_that_writes_and_all_that_may_have_written(read, monkeypatch):
    env = '{ env = "SYNCD_DIGEST_KEY" }'
    state = read(with_keys("state", 'ledger = "l"', f"digest_key = {env}", f"ledger_old_keys = [{env}]")).state
    assert state.ledger_keys == (ENV["SYNCD_DIGEST_KEY"],) * 2


def test_an_old_key_in_plain_text_is_refused(mistakes):
    (mistake,) = mistakes(with_keys("state", 'ledger_old_keys = ["hunter2"]'))
    assert mistake.startswith("state.ledger_old_keys[0]: a secret does not belong in this file in plain text")
    assert "hunter2" not in mistake


def test_a_rehearsal_knows_no_numbers_for_its_sandbox_has_nobody(read):
    config = read(SMALLEST.replace('prefix = "M-"', 'prefix = "M-", gomus_id = "go~mus"'))
    sync = config.syncs["members"]
    numbers = [make_sync(config, one, print).mapper.numbers for one in (sync, without_numbers(sync))]
    assert [bool(one) for one in numbers] == [True, False]


@pytest.mark.parametrize(
    ("change", "decides"),
    [
        (('path = "members.csv"', 'path = "leavers.csv"'), True),
        (('from = "Nr"', 'from = "Number"'), True),
        (('prefix = "M-"', 'prefix = "N-"'), True),
        (("[sync.members.source]", '[sync.members.delete]\nmode = "anonymize"\n[sync.members.source]'), True),
        (("[sync.members.source]", '[sync.members.delete]\ngrace = "3d"\n[sync.members.source]'), True),
        (
            ("[sync.members.source]", '[sync.members.delete]\ngrace = "30d"\nmax_count = 7\n[sync.members.source]'),
            False,
        ),
        (('surname = "Nachname"', 'surname = "Nachname"\nname = "Vorname"'), False),
        (("[gomus.main]", "[gomus.main]\nbatch_size = 7"), False),
        (('prefix = "M-"', 'prefix = "M-", gomus_id = "go~mus"'), False),
    ],
)
def test_absence_counts_anew_after_what_decides_it(read, change, decides):
    text = SMALLEST.replace('fields = { surname = "Nachname" }', "").replace(
        "[sync.members.source]", '[sync.members.fields]\nsurname = "Nachname"\n\n[sync.members.source]'
    )
    before, after = (
        make_sync(config, config.syncs["members"], print) for config in map(read, (text, text.replace(*change)))
    )
    assert (before.absence_terms != after.absence_terms) is decides
