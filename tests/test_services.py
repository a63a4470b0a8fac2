"""The servers that tests are given: each test its own part, and their faults as real ones are."""

import redis
from tests.services import Postgres, Valkey, shared_valkey


def test_each_test_has_databases_of_its_own(postgres: Postgres, valkey: Valkey) -> None:
    first, second = postgres.fresh_database(), postgres.fresh_database()
    postgres.sql("CREATE TABLE calls (id integer)", first)
    tables = "SELECT count(*) FROM pg_tables WHERE schemaname = 'public'"
    assert [postgres.sql(tables, name) for name in (first, second)] == ["1", "0"]
    for name in (first, second):
        postgres.drop_database(name)

    databases = [valkey.fresh_database() for _ in range(2)]
    with valkey.client(databases[0]) as client:
        client.set("name", "value")
    with valkey.client(databases[1]) as client:
        assert client.dbsize() == 0


def test_urls_are_what_clients_connect_with(postgres_url: str, valkey_url: str) -> None:
    assert postgres_url.startswith("postgresql://postgres:")
    with redis.Redis.from_url(valkey_url) as client:
        assert client.dbsize() == 0


def test_a_server_that_runs_is_taken_as_it_is(valkey: Valkey) -> None:
    with valkey.client() as client:
        before = client.info("server")["run_id"]
    with shared_valkey().client() as client:
        assert client.info("server")["run_id"] == before


def test_a_valkey_that_was_killed_comes_back_empty(own_valkey: Valkey) -> None:
    with own_valkey.client() as client:
        client.set("name", "value")
    own_valkey.kill()
    assert not own_valkey.running()
    own_valkey.start()
    with own_valkey.client() as client:
        assert client.dbsize() == 0


def test_a_postgres_that_crashed_comes_back_with_its_data(own_postgres: Postgres) -> None:
    own_postgres.sql("CREATE TABLE calls (id integer)")
    own_postgres.stop(crash=True)
    assert not own_postgres.running()
    own_postgres.start()
    assert own_postgres.sql("SELECT count(*) FROM calls") == "0"
