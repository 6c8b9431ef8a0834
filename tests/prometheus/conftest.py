"""A real Prometheus that scrapes three server processes on one database while they serve known traffic. What the tests
share with the end-to-end tests is in tests/e2e/howdah.py."""
import contextlib
import pathlib
import sys

import boto3
import botocore.config
import pytest

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1] / "e2e"))

import signing  # noqa: E402
from howdah import Howdah, Postgres, new_directory  # noqa: E402
from prometheus import Prometheus  # noqa: E402
from test_tls import Authority, TlsHowdah  # noqa: E402
from traffic import send_traffic  # noqa: E402


class Site:
    """Two servers alike, a third one with TLS, signatures and small limits, their database, and their Prometheus."""

    def __init__(self, stack):
        self.postgres = Postgres()
        stack.callback(self.postgres.stop)
        self.database = self.postgres.database()
        self.authority = Authority()
        self.credentials = signing.credentials_file(new_directory())
        settings = ["--database-url", self.database, "--metrics-snapshot-interval", "1s"]
        self.plain = [Howdah(new_directory(), *settings) for _ in range(2)]
        self.strict = TlsHowdah(self.authority, *self.authority.issue("first"), *settings, "--auth", "sigv4",
                                "--credentials", self.credentials, "--http-connections", "8",
                                "--messages-in-flight", "20", "--metrics-queues-max", "5")
        self.servers = [*self.plain, self.strict]
        self.prometheus = Prometheus(self.servers)
        stack.callback(self.prometheus.stop)
        for one in self.servers:
            one.spawn()
            stack.callback(one.stop)
        for one in self.servers:
            one.wait_ready()
        self.sqs = self.plain[0].client()

    def strict_client(self, wrong=False):
        """`wrong`: with another secret than the key's."""
        return boto3.client("sqs", endpoint_url=self.strict.url, region_name="us-east-1", verify=str(self.authority.ca),
                            aws_access_key_id=signing.OWNER, aws_secret_access_key="wrong" if wrong else signing.SECRET,
                            config=botocore.config.Config(retries={"total_max_attempts": 1}))


@pytest.fixture(scope="session")
def site():
    with contextlib.ExitStack() as stack:
        yield Site(stack)


@pytest.fixture(scope="session")
def loaded(site):
    """The site after traffic that Prometheus has seen."""
    send_traffic(site)
    return site


@pytest.fixture(scope="session")
def prometheus(site):
    return site.prometheus
