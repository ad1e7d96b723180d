"""What commands print for people to type."""

import subprocess

import pytest

from cli.screen import to_copy


def test_a_condition_stands_in_double_quotes_because_it_has_single_ones() -> None:
    said = to_copy(["resume", "--segment", "customer.tier == 'pro'"])
    assert said == "resume --segment \"customer.tier == 'pro'\""


@pytest.mark.parametrize(
    "word", ["customer.tier == 'pro'", "it's $5", "a `b` c'", "both ' and \"", "back\\slash'", "wow!'", "", "plain"]
)
def test_a_shell_reads_a_command_as_it_was_meant(word: str) -> None:
    printed = subprocess.run(["sh", "-c", f"printf %s {to_copy([word])}"], capture_output=True, text=True, check=True)
    assert printed.stdout == word
