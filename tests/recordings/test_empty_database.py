"""What the commands say when the database has no tables, because it was lost or never made."""

from pathlib import Path

from tests.dashboard.settings_of import manage


def test_the_ledger_of_a_database_without_tables_says_what_to_do(tmp_path: Path) -> None:
    done = manage(tmp_path / "deck", {}, "ledger")
    assert done.returncode == 1
    assert done.stderr.count("\n") == 1
    assert "Start Tapedeck once, run rebuild when the database was lost" in done.stderr


def test_a_rebuild_makes_the_tables_first(tmp_path: Path) -> None:
    done = manage(tmp_path / "deck", {}, "rebuild")
    assert (done.returncode, done.stderr) == (0, "")
    assert "0 recordings with 0 files rebuilt" in done.stdout
    assert manage(tmp_path / "deck", {}, "ledger").returncode == 0


def test_a_rebuild_into_a_database_that_does_not_answer_names_its_variable(tmp_path: Path) -> None:
    done = manage(tmp_path / "deck", {"DATABASE_URL": "postgres://nobody@127.0.0.1:1/none"}, "rebuild")
    assert done.returncode == 1
    assert "see DATABASE_URL" in done.stderr
    assert "Traceback" not in done.stderr
