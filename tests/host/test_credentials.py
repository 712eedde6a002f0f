"""The API key: where it is searched, what is refused, and that nothing shows it."""

import copy
import errno
import logging
import os
import pickle
from pathlib import Path

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from edgevoice.errors import SettingsInvalid
from edgevoice.host.credentials import LARGEST_KEY_BYTES, Key, answers_itself, find_key, find_secret, with_secrets
from edgevoice.settings.service import ServiceSettings
from tests.open_files import open_files

SECRET = "c2VjcmV0OmtleQ=="


def key_file(folder: Path, content: bytes, mode: int = 0o600) -> ServiceSettings:
    path = folder / "api_key"
    path.write_bytes(content)
    path.chmod(mode)
    return ServiceSettings(key_file=str(path))


def refusal_of(service: ServiceSettings, environment: dict[str, str] | None = None) -> SettingsInvalid:
    with pytest.raises(SettingsInvalid) as caught:
        find_key(service, environment or {})
    return caught.value


def test_without_a_key_none_is_found(tmp_path: Path) -> None:
    assert find_key(ServiceSettings(), {}) is None
    assert find_key(ServiceSettings(), {"EDGEVOICE_API_KEY": " \n", "CREDENTIALS_DIRECTORY": str(tmp_path)}) is None


def test_the_variable_overrides_the_credential_and_the_credential_the_file(tmp_path: Path) -> None:
    credentials = tmp_path / "credentials"
    credentials.mkdir()
    (credentials / "api_key").write_text("from-systemd\n", encoding="ascii")
    service = key_file(tmp_path, b"from-file\n")
    environment = {"CREDENTIALS_DIRECTORY": str(credentials)}

    found = [
        find_key(service, environment | {"EDGEVOICE_API_KEY": "from-variable"}),
        find_key(service, environment),
        find_key(service, {"CREDENTIALS_DIRECTORY": str(tmp_path / "elsewhere")}),
    ]

    assert [(key.reveal(), key.source) for key in found if key] == [
        ("from-variable", "EDGEVOICE_API_KEY"),
        ("from-systemd", "the systemd credential api_key"),
        ("from-file", f"service.key_file {tmp_path}/api_key"),
    ]


def test_white_space_around_a_key_is_dropped(tmp_path: Path) -> None:
    assert find_key(key_file(tmp_path, f" \t{SECRET}\r\n\n".encode()), {}) == Key(SECRET, source="")


def test_a_key_file_below_the_home_is_found(tmp_path: Path) -> None:
    key_file(tmp_path, SECRET.encode())

    key = find_key(ServiceSettings(key_file="~/api_key"), {"HOME": str(tmp_path)})

    assert key is not None
    assert key.reveal() == SECRET


@pytest.mark.parametrize(
    ("content", "complaint"),
    [
        (b"", "is empty"),
        (b" \n", "is empty"),
        (b"Basic " + SECRET.encode(), "contains white space"),
        (SECRET.encode() + b"\n" + SECRET.encode(), "contains white space"),
        (b"\x00" + SECRET.encode(), "contains characters that no key has"),
        (b"\x1b[31m" + SECRET.encode(), "contains characters that no key has"),
        (b"\xef\xbb\xbf" + SECRET.encode(), "contains characters that no key has"),
        (SECRET.encode() + "é".encode(), "contains characters that no key has"),
        (b'"' + SECRET.encode() + b'"', "contains quotes"),
        (SECRET.encode() * (LARGEST_KEY_BYTES // len(SECRET) + 1), "is too large for a key"),
    ],
)
def test_a_malformed_key_is_refused_without_repeating_it(tmp_path: Path, content: bytes, complaint: str) -> None:
    refusal = refusal_of(key_file(tmp_path, content))

    assert complaint in str(refusal)
    assert SECRET not in refusal.line()


def test_a_variable_is_checked_like_a_file() -> None:
    refusal = refusal_of(ServiceSettings(), {"EDGEVOICE_API_KEY": f"Bearer {SECRET}"})

    assert str(refusal).startswith("EDGEVOICE_API_KEY contains white space")
    assert SECRET not in refusal.line()


@pytest.mark.parametrize("mode", [0o640, 0o604, 0o620, 0o644, 0o610])
def test_a_key_file_open_to_others_is_refused_with_the_command_that_fixes_it(tmp_path: Path, mode: int) -> None:
    refusal = refusal_of(key_file(tmp_path, SECRET.encode(), mode))

    assert "can be read by other users" in str(refusal)
    assert f"chmod 600 {tmp_path}/api_key" in refusal.remedy


@pytest.mark.parametrize("mode", [0o600, 0o400])
def test_a_key_file_readable_only_by_its_owner_is_read(tmp_path: Path, mode: int) -> None:
    assert find_key(key_file(tmp_path, SECRET.encode(), mode), {}) is not None


def test_a_missing_or_special_key_file_is_an_error_and_never_blocks(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe", 0o600)

    assert "does not exist" in str(refusal_of(ServiceSettings(key_file=str(tmp_path / "missing"))))
    assert "is not a file" in str(refusal_of(ServiceSettings(key_file=str(tmp_path))))
    assert "is not a file" in str(refusal_of(ServiceSettings(key_file=str(tmp_path / "pipe"))))


@pytest.mark.parametrize(
    ("code", "complaint"),
    [(errno.EACCES, "is not readable by this user"), (errno.EIO, "cannot be read: Input/output error")],
)
def test_an_unreadable_key_file_is_reported_with_the_reason(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, code: int, complaint: str
) -> None:
    service = key_file(tmp_path, SECRET.encode())

    def failing(*_arguments: object) -> int:
        raise OSError(code, os.strerror(code))

    monkeypatch.setattr(os, "read", failing)
    assert complaint in str(refusal_of(service))
    monkeypatch.setattr(os, "open", failing)
    assert complaint in str(refusal_of(service))


SERVICE = {"STATE_DIRECTORY": "/var/lib/edgevoice", "HOME": "/var/lib/edgevoice"}


@pytest.mark.parametrize(
    ("path", "code", "environment", "complaint", "remedy"),
    [
        (
            "/home/anna/key",
            errno.EACCES,
            SERVICE,
            "in a home folder",
            "--key-file /home/anna/key",
        ),
        (
            "/home/anna/key",
            errno.ENOENT,
            SERVICE,
            "in a home folder",
            "--key-file /home/anna/key",
        ),
        ("/root/key", errno.EACCES, SERVICE, "in a home folder", "--key-file /root/key"),
        ("/srv/key", errno.EACCES, SERVICE, "by the service's user", "--key-file /srv/key"),
        ("/srv/key", errno.ENOENT, SERVICE, "does not exist", "--key-file FILE"),
        (
            "/home/anna/key",
            errno.EACCES,
            {},
            "by this user",
            'sudo chown "$USER" /home/anna/key; chmod',
        ),
        ("/home/anna/key", errno.ENOENT, {}, "does not exist", "Write only the key into /home/anna/key"),
        ("/srv/key", errno.EIO, SERVICE, "Input/output error", "ls -l /srv/key"),
    ],
)
def test_each_reason_why_a_key_file_is_unreadable_has_its_own_remedy(
    monkeypatch: pytest.MonkeyPatch, path: str, code: int, environment: dict[str, str], complaint: str, remedy: str
) -> None:
    def failing(*_arguments: object) -> int:
        raise OSError(code, os.strerror(code))

    monkeypatch.setattr(os, "open", failing)
    refusal = refusal_of(ServiceSettings(key_file=path), environment)

    assert complaint in str(refusal)
    assert remedy in refusal.remedy
    assert "Copy the key again" not in refusal.remedy


def test_the_remedy_for_an_open_key_file_depends_on_its_owner(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    service = key_file(tmp_path, SECRET.encode(), 0o644)
    monkeypatch.setattr(os, "geteuid", lambda: os.getuid() + 1)

    # chmod alone would lock out the user who reads it now.
    assert f'sudo chown "$USER" {tmp_path}/api_key; chmod 600' in refusal_of(service).remedy
    assert refusal_of(service, SERVICE).remedy.endswith(f"sudo scripts/setup --key-file {tmp_path}/api_key")


def test_the_remedy_for_a_malformed_key_names_where_to_copy_it_again(tmp_path: Path) -> None:
    (tmp_path / "api_key").write_text("two words")

    stored = refusal_of(ServiceSettings(), {"CREDENTIALS_DIRECTORY": str(tmp_path)})
    assert stored.remedy == "Copy the key again from the service's portal: sudo scripts/setup --key-file FILE"
    assert refusal_of(key_file(tmp_path, b"two words")).remedy.endswith(f"into {tmp_path}/api_key.")


def test_a_key_is_revealed_only_on_request(caplog: pytest.LogCaptureFixture) -> None:
    key = Key(SECRET, source="EDGEVOICE_API_KEY")
    logging.getLogger("test").warning("key %s %r", key, [key])

    assert SECRET not in f"{key} {key!r} {key!s:>5} {caplog.text}"
    assert key.reveal() == SECRET
    for leak in (msgspec.json.encode, pickle.dumps, copy.copy, msgspec.to_builtins):
        with pytest.raises(TypeError):
            leak(key)


def test_keys_are_equal_if_their_secrets_are() -> None:
    assert {Key("a", source="x"), Key("a", source="y"), Key("b", source="x")} == {
        Key("a", source=""),
        Key("b", source=""),
    }
    assert Key("a", source="") != "a"


@given(st.binary(max_size=60))
def test_any_content_is_either_a_printable_key_or_refused(
    tmp_path_factory: pytest.TempPathFactory, content: bytes
) -> None:
    service = key_file(tmp_path_factory.mktemp("keys"), content)

    refusal, shown = "", "!"
    try:
        key = find_key(service, {})
    except SettingsInvalid as refused:
        refusal = refused.line()
    else:
        shown = key.reveal() if key else ""

    assert refusal.isprintable()
    assert shown
    assert all(33 <= ord(letter) <= 126 for letter in shown)


def test_the_longest_key_is_accepted(tmp_path: Path) -> None:
    key = find_key(key_file(tmp_path, LARGEST_KEY_BYTES * b"k"), {})

    assert key is not None
    assert len(key.reveal()) == LARGEST_KEY_BYTES


@pytest.mark.parametrize("content", [b"'abc", b"abc'", b'"abc', b'abc"'])
def test_a_quote_on_either_side_is_refused(tmp_path: Path, content: bytes) -> None:
    assert "contains quotes" in str(refusal_of(key_file(tmp_path, content)))


def test_every_refusal_names_the_setting_and_the_file(tmp_path: Path) -> None:
    services = [key_file(tmp_path / name, content, mode) for name, content, mode in _folders(tmp_path)]
    services += [ServiceSettings(key_file=str(tmp_path / "missing")), ServiceSettings(key_file=str(tmp_path))]
    link = tmp_path / "loop"
    link.symlink_to(link)
    services.append(ServiceSettings(key_file=str(link)))

    for service in services:
        assert str(refusal_of(service)).startswith(f"service.key_file {service.key_file} "), service


def _folders(tmp_path: Path) -> list[tuple[str, bytes, int]]:
    found = [("empty", b"", 0o600), ("open", b"key", 0o604), ("run", b"key", 0o601), ("large", 20_000 * b"k", 0o600)]
    for name, _, _ in found:
        (tmp_path / name).mkdir()
    return found


def test_under_another_home_the_refusal_names_the_path_it_tried(tmp_path: Path) -> None:
    refusal = refusal_of(ServiceSettings(key_file="~/api_key"), {"HOME": str(tmp_path)})

    assert str(refusal).startswith(f"service.key_file ~/api_key, which is {tmp_path}/api_key, does not exist")


def test_ones_own_key_file_open_to_others_needs_only_chmod(tmp_path: Path) -> None:
    service = key_file(tmp_path, b"key", 0o644)

    assert refusal_of(service).remedy == f"Make it yours alone: chmod 600 {service.key_file}"


def test_a_credential_that_cannot_be_read_is_to_be_stored_again(tmp_path: Path) -> None:
    link = tmp_path / "api_key"
    link.symlink_to(link)

    refusal = refusal_of(ServiceSettings(), {"CREDENTIALS_DIRECTORY": str(tmp_path)})

    assert str(refusal) == f"the systemd credential api_key cannot be read: {os.strerror(errno.ELOOP)}"
    assert "setup" in refusal.remedy


def test_looking_for_a_key_leaves_no_file_open(tmp_path: Path) -> None:
    service = key_file(tmp_path, b"key")
    before = open_files()

    for _ in range(3):
        assert find_key(service, {})

    assert open_files() <= before


def test_keys_that_hide_different_secrets_differ() -> None:
    assert Key("one", source="") != Key("two", source="")


def test_a_wrong_variable_and_a_folder_have_their_own_remedies(tmp_path: Path) -> None:
    assert refusal_of(ServiceSettings(), {"EDGEVOICE_API_KEY": "two words"}).remedy == (
        "Copy the key again from the service's portal."
    )
    assert refusal_of(ServiceSettings(key_file=str(tmp_path))).remedy == "Name a file that contains only the key."


@pytest.mark.parametrize(
    ("code", "environment", "complaint"),
    [
        (errno.EACCES, {"STATE_DIRECTORY": "/x"}, "is not readable by the service's user"),
        (errno.EACCES, {}, "is not readable by this user"),
        (errno.EIO, {}, "cannot be read: Input/output error"),
    ],
)
def test_an_unopenable_key_file_is_named_first(
    monkeypatch: pytest.MonkeyPatch, code: int, environment: dict[str, str], complaint: str
) -> None:
    def refuse(*_arguments: object) -> int:
        raise OSError(code, os.strerror(code))

    monkeypatch.setattr(os, "open", refuse)

    assert (
        str(refusal_of(ServiceSettings(key_file="/srv/key"), environment)) == f"service.key_file /srv/key {complaint}"
    )


def test_a_key_file_of_a_home_that_the_service_does_not_see_is_named_first() -> None:
    refusal = refusal_of(ServiceSettings(key_file="/home/nobody-of-this-name/key"), {"STATE_DIRECTORY": "/x"})

    assert str(refusal).startswith("service.key_file /home/nobody-of-this-name/key is in a home folder")


def test_a_credential_that_fails_while_being_read_is_named_first(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(*_arguments: object) -> bytes:
        raise OSError(errno.EIO, os.strerror(errno.EIO))

    (tmp_path / "api_key").write_bytes(b"key")
    monkeypatch.setattr(os, "read", fail)

    refusal = refusal_of(ServiceSettings(), {"CREDENTIALS_DIRECTORY": str(tmp_path)})
    assert str(refusal) == "the systemd credential api_key cannot be read: Input/output error"


@pytest.mark.parametrize("odd", ["\x0b", "\x0c", "\x1c", "\x85", "\xa0"])
def test_only_blanks_and_line_ends_around_a_key_are_dropped(tmp_path: Path, odd: str) -> None:
    assert "white space" in str(refusal_of(ServiceSettings(), {"EDGEVOICE_API_KEY": f" key{odd}\n"}))
    assert "white space" in str(refusal_of(key_file(tmp_path, f" key{odd}\n".encode("latin-1"))))


@pytest.mark.parametrize(("size", "is_taken"), [(16_384, True), (16_385, False)])
def test_a_key_has_16_kib_at_most(tmp_path: Path, size: int, *, is_taken: bool) -> None:
    service = key_file(tmp_path, b"k" * size)

    if is_taken:
        assert find_key(service, {}) == Key("k" * size, source="a test")
    else:
        assert "is too large for a key" in str(refusal_of(service))


def secret_file(folder: Path, content: str, mode: int = 0o600) -> Path:
    path = folder / "edgevoice" / "secrets" / "weather"
    path.parent.mkdir(parents=True)
    path.write_text(content, encoding="ascii")
    path.chmod(mode)
    return path


def test_a_secret_is_a_systemd_credential_or_else_a_private_file_beside_the_settings(tmp_path: Path) -> None:
    path = secret_file(tmp_path, "from-file\n")
    credentials = tmp_path / "credentials"
    credentials.mkdir()
    environment = {"XDG_CONFIG_HOME": str(tmp_path), "CREDENTIALS_DIRECTORY": str(credentials)}

    found = find_secret("weather", environment)
    assert (found.reveal(), found.source) == ("from-file", str(path))

    (credentials / "weather").write_text("from-systemd\n", encoding="ascii")
    found = find_secret("weather", environment)
    assert (found.reveal(), found.source) == ("from-systemd", "the systemd credential weather")


@pytest.mark.parametrize(
    ("content", "mode", "complaint"),
    [
        ("two words", 0o600, "contains white space"),
        ("", 0o600, "is empty"),
        ("hunter2", 0o644, "can be read by other users"),
    ],
)
def test_a_secret_that_cannot_be_used_is_refused_without_showing_it(
    tmp_path: Path, content: str, mode: int, complaint: str
) -> None:
    secret_file(tmp_path, content, mode)

    with pytest.raises(SettingsInvalid, match=complaint) as refused:
        find_secret("weather", {"XDG_CONFIG_HOME": str(tmp_path)})

    assert not content or content not in refused.value.line()


@pytest.mark.parametrize("environment", [{}, {"CREDENTIALS_DIRECTORY": "/nonexistent", "HOME": "/nonexistent"}])
def test_a_secret_that_is_not_stored_is_named(environment: dict[str, str]) -> None:
    with pytest.raises(SettingsInvalid, match="the secret weather is not stored"):
        find_secret("weather", environment)


def test_a_value_of_the_settings_gets_its_secrets_by_name(tmp_path: Path) -> None:
    (tmp_path / "weather").write_text("c2VjcmV0\n")
    environment = {"CREDENTIALS_DIRECTORY": str(tmp_path)}

    assert with_secrets("Bearer ${weather}, ${weather}!", environment) == "Bearer c2VjcmV0, c2VjcmV0!"
    assert with_secrets("plain $weather {weather} ${}", environment) == "plain $weather {weather} ${}"
    with pytest.raises(SettingsInvalid, match="the secret news is not stored"):
        with_secrets("${news}", environment)


@pytest.mark.parametrize(
    ("url", "has_key", "is_free"),
    [
        ("local", False, True),
        ("local", True, True),
        ("", False, True),
        ("", True, False),
        ("wss://example.org/", False, False),
        ("wss://example.org/", True, False),
    ],
)
def test_only_a_service_on_the_network_is_billed_and_so_counted(url: str, *, has_key: bool, is_free: bool) -> None:
    key = Key("secret", source="a test") if has_key else None

    assert answers_itself(ServiceSettings(url=url), key) is is_free
