"""A module that a library names is loaded only if something is asked of it; each in a process of its own."""

import subprocess
import sys


def run(program: str) -> list[str]:
    head = "import sys\nfrom edgevoice.stand_ins import standing_in\n"
    done = subprocess.run(
        [sys.executable, "-c", head + program], capture_output=True, text=True, check=True, timeout=60
    )
    return done.stdout.split()


def test_what_is_only_named_is_not_loaded() -> None:
    found = run(
        "with standing_in('urllib.request'):\n"
        "    import urllib.request\n"
        "print('urllib.request' in sys.modules, 'http.client' in sys.modules)\n"
    )

    assert found == ["False", "False"]


def test_whoever_imported_it_meanwhile_has_the_real_one_as_soon_as_something_is_asked_of_it() -> None:
    found = run(
        "with standing_in('urllib.request'):\n"
        "    import urllib.request\n"
        "    kept = urllib.request\n"
        "print(urllib.request.getproxies.__module__, kept.quote('a b'))\n"
        "print(sys.modules['urllib.request'] is urllib.request)\n"
    )

    assert found == ["urllib.request", "a%20b", "True"]


def test_it_may_be_asked_within_the_context_too() -> None:
    found = run(
        "with standing_in('urllib.request'):\n"
        "    from urllib.request import quote\n"
        "print(quote('a b'), 'urllib.request' in sys.modules)\n"
    )

    assert found == ["a%20b", "True"]


def test_functions_are_there_at_once() -> None:
    found = run(
        "with standing_in('nosuch', three=lambda: 3):\n"
        "    from nosuch import three\n"
        "print(three(), 'nosuch' in sys.modules)\n"
    )

    assert found == ["3", "False"]


def test_a_module_that_is_loaded_stays_what_it_is() -> None:
    found = run(
        "import json\n"
        "with standing_in('json', dumps=print):\n"
        "    import json as again\n"
        "print(again is json, json.dumps is print)\n"
    )

    assert found == ["True", "False"]
