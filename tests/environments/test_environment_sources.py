"""The user's settings for pip reach uv, and declared indexes come when they should."""

from __future__ import annotations

from pathlib import Path

import pytest

from frameworkbench.environments import sources


def translate(environ: dict[str, str], *files: Path) -> dict[str, str]:
    """Translate and leave out what is the same for everybody."""
    result = sources.uv_environment(environ, files)
    return {name: value for name, value in result.items() if name not in ("NO_COLOR", "UV_NO_PROGRESS", *environ)}


def test_nothing_configured_adds_nothing() -> None:
    """Without settings for pip, uv keeps its own defaults."""
    assert translate({"HOME": "/nowhere"}) == {}


def test_variables_are_translated(tmp_path: Path) -> None:
    """Each variable of pip becomes the one of uv that means the same."""
    certificate = tmp_path / "ca.pem"
    certificate.touch()
    environ = {
        "PIP_FIND_LINKS": str(tmp_path),
        "PIP_INDEX_URL": "https://index.invalid/simple",
        "PIP_EXTRA_INDEX_URL": tmp_path.as_uri(),
        "PIP_CERT": str(certificate),
        "PIP_DEFAULT_TIMEOUT": "180",
    }

    assert translate(environ) == {
        "UV_FIND_LINKS": str(tmp_path),
        "UV_DEFAULT_INDEX": "https://index.invalid/simple",
        "UV_INDEX": tmp_path.as_uri(),
        "UV_INDEX_STRATEGY": "unsafe-best-match",
        "SSL_CERT_FILE": str(certificate),
        "UV_HTTP_TIMEOUT": "180",
    }


@pytest.mark.parametrize(
    ("pip", "uv"),
    [
        ("PIP_FIND_LINKS", "UV_FIND_LINKS"),
        ("PIP_INDEX_URL", "UV_DEFAULT_INDEX"),
        ("PIP_INDEX_URL", "UV_INDEX_URL"),
        ("PIP_EXTRA_INDEX_URL", "UV_INDEX"),
    ],
)
def test_variables_of_uv_win(tmp_path: Path, pip: str, uv: str) -> None:
    """What the user told uv itself is never replaced."""
    environ = {pip: str(tmp_path), uv: "https://chosen.invalid/simple"}

    assert translate(environ) == {}
    assert sources.uv_environment(environ, [])[uv] == "https://chosen.invalid/simple"


def test_absent_local_places_are_left_out(tmp_path: Path) -> None:
    """Folders and file:// indexes that do not exist are dropped, as pip does; remote ones are kept."""
    environ = {
        "PIP_FIND_LINKS": f"{tmp_path} /nowhere/wheels",
        "PIP_EXTRA_INDEX_URL": f"file:///nowhere/simple {tmp_path.as_uri()} https://index.invalid/simple",
        "PIP_INDEX_URL": "file:///nowhere/simple",
        "PIP_CERT": "/nowhere/ca.pem",
    }

    assert translate(environ) == {
        "UV_FIND_LINKS": str(tmp_path),
        "UV_INDEX": f"{tmp_path.as_uri()} https://index.invalid/simple",
        "UV_INDEX_STRATEGY": "unsafe-best-match",
    }


def test_several_folders_of_wheels(tmp_path: Path) -> None:
    """Several folders, which pip separates by blanks, are separated by commas for uv."""
    first, second = tmp_path / "a", tmp_path / "b"
    first.mkdir()
    second.mkdir()

    assert translate({"PIP_FIND_LINKS": f"{first}\n{second}"}) == {"UV_FIND_LINKS": f"{first},{second}"}


def test_configuration_files_are_read_in_the_order_of_pip(tmp_path: Path) -> None:
    """A later file wins over an earlier one, [install] over [global], a variable over all files."""
    weak, strong, other = tmp_path / "weak.conf", tmp_path / "strong.conf", tmp_path / "other"
    other.mkdir()
    weak.write_text("[global]\nindex-url = https://weak.invalid\ntimeout = 5\n[install]\nfind_links = /nowhere\n")
    strong.write_text(f"[global]\nindex-url = https://strong.invalid\n[install]\nfind-links =\n    {tmp_path}\n")

    from_files = translate({}, weak, strong)
    with_variable = translate({"PIP_FIND_LINKS": str(other)}, weak, strong)

    assert from_files == {
        "UV_DEFAULT_INDEX": "https://strong.invalid",
        "UV_FIND_LINKS": str(tmp_path),
        "UV_HTTP_TIMEOUT": "5",
    }
    assert with_variable["UV_FIND_LINKS"] == str(other)


def test_broken_configuration_configures_nothing(tmp_path: Path) -> None:
    """A file that cannot be read as configuration is passed over."""
    broken = tmp_path / "pip.conf"
    broken.write_text("no section\n")

    assert translate({}, broken, tmp_path / "absent.conf") == {}


def test_no_index_makes_uv_stay_offline(tmp_path: Path) -> None:
    """Without any index and with local wheels only, uv must not ask the network."""
    environ = {"PIP_NO_INDEX": "1", "PIP_FIND_LINKS": str(tmp_path)}

    assert translate(environ) == {"UV_FIND_LINKS": str(tmp_path), "UV_OFFLINE": "1"}


def test_places_of_pip() -> None:
    """The standard places are looked up weakest first, and the null device switches them off."""
    environ = {"HOME": "/h", "XDG_CONFIG_DIRS": "/x", "PIP_CONFIG_FILE": "/own.conf"}

    files = sources.pip_config_files(environ, prefix="/p")

    assert [str(file) for file in files] == [
        "/x/pip/pip.conf",
        "/etc/pip.conf",
        "/h/.pip/pip.conf",
        "/h/.config/pip/pip.conf",
        "/p/pip.conf",
        "/own.conf",
    ]
    assert sources.pip_config_files({"PIP_CONFIG_FILE": "/dev/null"}) == []


def test_other_environments_do_not_leak_in() -> None:
    """Variables that point at another environment or project are not handed to uv."""
    assert "VIRTUAL_ENV" not in sources.uv_environment({"VIRTUAL_ENV": "/v", "PYTHONPATH": "/p"}, [])


def test_declared_indexes_come_first_for_an_ordinary_user() -> None:
    """With nothing configured, the adapter's indexes are tried first, then the default alone."""
    attempts = sources.index_attempts(["https://index.invalid/cpu"], {})

    assert attempts == [
        ("--index", "https://index.invalid/cpu", "--index-strategy", "unsafe-best-match"),
        (),
    ]


def test_own_sources_come_first_where_configured() -> None:
    """With a source of the user's own, the adapter's indexes are only the second try."""
    attempts = sources.index_attempts(["https://index.invalid/cpu"], {"UV_FIND_LINKS": "/wheels"})

    assert attempts[0] == ()
    assert "https://index.invalid/cpu" in attempts[1]


def test_no_declared_index_means_one_try() -> None:
    """An adapter without indexes of its own has nothing to choose."""
    assert sources.index_attempts([], {}) == [()]
