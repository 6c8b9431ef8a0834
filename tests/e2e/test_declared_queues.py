"""Queues that the config file declares."""
from test_startup import refused

CONFIG = """
region: eu-central-1
queues:
  - name: orders
    attributes: {VisibilityTimeout: 45, DelaySeconds: 3}
  - name: plain
"""


def test_declared_queues_exist_from_the_start_and_settings_of_the_file_hold(new_server, postgres, directory):
    (directory / "howdah.yaml").write_text(CONFIG)
    server = new_server("--config", directory / "howdah.yaml", "--database-url", postgres.database()).start()
    sqs = server.client()
    shown = sqs.get_queue_attributes(QueueUrl="orders", AttributeNames=["All"])["Attributes"]
    assert (shown["VisibilityTimeout"], shown["DelaySeconds"]) == ("45", "3")
    assert shown["QueueArn"] == "arn:aws:sqs:eu-central-1:000000000000:orders"
    assert len(sqs.list_queues()["QueueUrls"]) == 2


def test_a_queue_that_is_there_with_other_attributes_is_reported_and_left(new_server, postgres, directory):
    (directory / "howdah.yaml").write_text(CONFIG)
    server = new_server("--config", directory / "howdah.yaml", "--database-url", postgres.database()).start()
    sqs = server.client()
    sqs.set_queue_attributes(QueueUrl="orders", Attributes={"VisibilityTimeout": "46"})
    sqs.send_message(QueueUrl="orders", MessageBody="kept", DelaySeconds=0)
    assert server.stop() == 0
    before = len(server.log())
    server.start()
    shown = server.client().get_queue_attributes(QueueUrl="orders", AttributeNames=["All"])["Attributes"]
    assert (shown["VisibilityTimeout"], shown["ApproximateNumberOfMessages"]) == ("46", "1")
    told = [line for line in server.log()[before:].splitlines() if "orders" in line]
    assert len(told) == 1 and "VisibilityTimeout" in told[0], server.log()[before:]


def test_a_declared_queue_that_sqs_would_refuse_keeps_the_server_from_starting(postgres, directory):
    for queues in ("[{name: q, attributes: {VisibilityTimeout: 99999}}]", "[{name: 'not allowed'}]",
                   "[{name: q, attributes: {Colour: red}}]"):
        (directory / "howdah.yaml").write_text(f"queues: {queues}\n")
        line = refused(directory, "--config", directory / "howdah.yaml", "--database-url", postgres.database())
        assert "q" in line


def test_flag_over_environment_over_file(new_server, postgres, directory):
    (directory / "howdah.yaml").write_text("region: from-file\n")
    for arguments, environment, region in (
            ([], {}, "from-file"), ([], {"HOWDAH_REGION": "from-env"}, "from-env"),
            (["--region", "from-flag"], {"HOWDAH_REGION": "from-env"}, "from-flag")):
        server = new_server("--config", directory / "howdah.yaml", "--database-url", postgres.database(), *arguments,
                            environment=environment).start()
        queue = server.client().create_queue(QueueName="q")["QueueUrl"]
        shown = server.client().get_queue_attributes(QueueUrl=queue, AttributeNames=["QueueArn"])["Attributes"]
        assert shown["QueueArn"] == f"arn:aws:sqs:{region}:000000000000:q"
        assert server.stop() == 0
