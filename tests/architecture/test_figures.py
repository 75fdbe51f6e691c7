"""The house keeps its figures: printed with `-s`, or by `python -m tests.architecture.figures`."""

from tests.architecture import figures


def test_the_house_in_figures() -> None:
    print(f"\n{figures.report()}")
    assert figures.over() == []


def test_modules_know_few_others() -> None:
    counts = [count for count, _ in figures.fan_out()]
    assert figures.percentile(counts, 0.9) <= figures.FAN_OUT, figures.fan_out()[-40:]


def test_lines_fit_the_page() -> None:
    assert figures.wide_lines() == []


def test_there_is_more_test_than_code() -> None:
    assert figures.tests_to_code() >= figures.TESTS_TO_CODE
