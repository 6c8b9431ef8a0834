"""What keeps a server from starting: one clear line that says what to change, and an exit code that is not 0."""
import socket
import subprocess

import pytest

from howdah import BINARY, clean_environment, free_port


def run(*arguments, environment=None, cwd=None, seconds=20):
    return subprocess.run([BINARY, *map(str, arguments)], capture_output=True, text=True, timeout=seconds, cwd=cwd,
                          env={**clean_environment(), **(environment or {})}, stdin=subprocess.DEVNULL)


def refused(directory, *arguments, **options):
    """The one line with which `howdah serve` refuses these arguments, in lower case."""
    ports = ["--listen", f"127.0.0.1:{free_port()}", "--admin-listen", f"127.0.0.1:{free_port()}"]
    if "--listen" in arguments:
        ports = ports[2:]
    done = run("serve", *ports, *arguments, cwd=directory, **options)
    assert done.returncode not in (0, -6, -11), done
    told = [line for line in done.stderr.splitlines() if line.strip() and '"level":"info"' not in line]
    assert len(told) == 1, done.stderr
    assert "terminate called" not in told[0] and "exception" not in told[0].lower()
    return told[0].lower()


def test_version_and_help():
    assert run("version").stdout.startswith("howdah 0.1.0")
    for arguments in (["--help"], ["serve", "--help"]):
        done = run(*arguments)
        assert done.returncode == 0 and "serve" in done.stdout
    assert "--test-clock" in run("serve", "--help").stdout


def test_no_command_or_an_unknown_one():
    for arguments in ([], ["sreve"]):
        done = run(*arguments)
        assert done.returncode != 0 and done.stderr


def test_a_port_that_is_taken(directory, postgres):
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        line = refused(directory, "--database-url", postgres.database(), "--listen", f"127.0.0.1:{port}")
        assert str(port) in line and "taken" in line


@pytest.mark.parametrize("arguments,words", [
    (["--lissten", "127.0.0.1:1"], ["--lissten", "--listen"]),
    (["--listen", "nonsense"], ["nonsense"]),
    (["--listen", "127.0.0.1:99999"], ["99999"]),
    (["--workers", "many"], ["workers", "many"]),
    (["--workers", "0"], ["workers", "1"]),
    (["--drain-timeout", "5"], ["drain-timeout", "unit"]),
    (["stray"], ["stray"])])
def test_settings_that_cannot_be(directory, arguments, words):
    line = refused(directory, *arguments)
    assert all(word in line for word in words), line


def test_an_open_listener_without_auth_said_aloud(directory):
    line = refused(directory, "--listen", f"0.0.0.0:{free_port()}")
    assert "--auth" in line and "0.0.0.0" in line


def test_a_test_clock_on_an_open_listener(directory):
    assert "test-clock" in refused(directory, "--listen", f"0.0.0.0:{free_port()}", "--auth", "none", "--test-clock")


def test_an_unknown_environment_variable_of_ours(directory):
    line = refused(directory, environment={"HOWDAH_REGOIN": "x"})
    assert "howdah_regoin" in line and "howdah_region" in line


def test_an_unknown_key_in_the_config_file(directory):
    config = directory / "howdah.yaml"
    config.write_text("regoin: eu-west-1\n")
    line = refused(directory, "--config", config)
    assert "regoin" in line and "region" in line and "howdah.yaml" in line


@pytest.mark.parametrize("text", ["a: [", "- list", "listen: {a: b}", "queues: 5", "queues: [{name: q, colour: red}]"])
def test_a_config_file_that_cannot_be_read_that_way(directory, text):
    config = directory / "howdah.yaml"
    config.write_text(text)
    assert "howdah.yaml" in refused(directory, "--config", config)


def test_no_config_file(directory):
    assert "missing.yaml" in refused(directory, "--config", directory / "missing.yaml")


def test_both_a_database_and_a_data_directory(directory):
    line = refused(directory, "--database-url", "postgresql:///x", "--data-dir", "x")
    assert "--database-url" in line and "--data-dir" in line


def test_an_unreachable_database(directory):
    line = refused(directory, "--database-url", "postgresql://nobody:secret@127.0.0.1:1/x", "--database-connect-timeout",
                   "1s")
    assert "127.0.0.1" in line and "secret" not in line


def test_a_database_that_does_not_exist(directory, postgres):
    assert "no_such_database" in refused(directory, "--database-url", postgres.url_of("no_such_database"))


def test_a_database_of_another_encoding(directory, postgres):
    url = postgres.database("ENCODING 'LATIN1' TEMPLATE template0 LOCALE 'C'")
    line = refused(directory, "--database-url", url)
    assert "utf8" in line and "latin1" in line


def test_a_database_where_nothing_may_be_made(directory, postgres):
    url = postgres.database()
    postgres.run("CREATE ROLE weak LOGIN")
    line = refused(directory, "--database-url", url.replace("postgres@", "weak@"))
    assert "permission" in line or "create" in line


def test_a_data_directory_that_is_a_file(directory):
    (directory / "file").write_text("x")
    assert "file" in refused(directory, "--data-dir", directory / "file")


def test_a_data_directory_that_cannot_be_written(directory):
    assert "/proc" in refused(directory, "--data-dir", "/proc/howdah")


def test_a_data_directory_of_another_major_version(directory, new_server):
    server = new_server("--data-dir", directory / "data").start()
    server.stop()
    version_files = [path for path in (directory / "data").rglob("PG_VERSION") if "base" not in path.parts]
    assert version_files
    for path in version_files:
        path.write_text("13\n")
    line = refused(directory, "--data-dir", directory / "data")
    assert "13" in line


def test_two_servers_on_one_data_directory(directory, new_server):
    first = new_server("--data-dir", directory / "data").start()
    line = refused(directory, "--data-dir", directory / "data")
    assert "data" in line
    first.client().create_queue(QueueName="still-works")


def test_migrate_status_and_migrate(postgres, directory):
    url = postgres.database()
    status = run("migrate", "--status", "--database-url", url)
    assert "0001" in status.stdout
    assert postgres.run("SELECT count(*) FROM pg_namespace WHERE nspname = 'howdah'", url) == "0"
    assert run("migrate", "--database-url", url).returncode == 0
    assert postgres.run("SELECT count(*) FROM pg_namespace WHERE nspname = 'howdah'", url) == "1"
    assert run("migrate", "--database-url", url).returncode == 0  # a second time changes nothing


def test_a_migration_that_was_changed_after_it_ran(postgres, directory, new_server):
    url = postgres.database()
    assert run("migrate", "--database-url", url).returncode == 0
    table = postgres.run("SELECT table_name FROM information_schema.columns WHERE table_schema = 'howdah' "
                         "AND column_name = 'checksum'", url)
    postgres.run(f"UPDATE howdah.{table} SET checksum = reverse(checksum::text)", url)
    assert "0001" in refused(directory, "--database-url", url)


def test_healthcheck(server, directory):
    admin = f"127.0.0.1:{server.admin_port}"
    assert run("healthcheck", "--admin-listen", admin).returncode == 0
    assert run("healthcheck", "--admin-listen", f"127.0.0.1:{free_port()}").returncode != 0


def test_what_does_not_listen_need_not_say_who_may_call(server):
    listening = {"HOWDAH_LISTEN": f"0.0.0.0:{server.port}", "HOWDAH_ADMIN_LISTEN": f"0.0.0.0:{server.admin_port}"}
    for command in ("healthcheck", "selftest"):
        done = run(command, environment=listening)
        assert done.returncode == 0, done.stderr
    assert "--auth" in run("config", "print", environment=listening).stderr
