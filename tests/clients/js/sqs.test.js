// The main behaviours as the AWS SDK for JavaScript v3 sees them, with its checks of body digests on (they are by
// default). The endpoint is in SQS_URL, and a key, if it asks for one, in SQS_ACCESS_KEY and SQS_SECRET_KEY;
// tests/e2e/test_javascript.py runs this.
import assert from "node:assert/strict";
import { createHash, randomUUID } from "node:crypto";
import { after, before, test } from "node:test";
import {
  AddPermissionCommand, BatchEntryIdsNotDistinct, CancelMessageMoveTaskCommand, ChangeMessageVisibilityBatchCommand,
  ChangeMessageVisibilityCommand, CreateQueueCommand, DeleteMessageBatchCommand, DeleteMessageCommand,
  DeleteQueueCommand, GetQueueAttributesCommand, GetQueueUrlCommand, ListDeadLetterSourceQueuesCommand,
  ListMessageMoveTasksCommand, ListQueuesCommand, ListQueueTagsCommand, OverLimit, PurgeQueueCommand,
  QueueDoesNotExist, ReceiptHandleIsInvalid, ReceiveMessageCommand, RemovePermissionCommand, ResourceNotFoundException,
  SendMessageBatchCommand, SendMessageCommand, SetQueueAttributesCommand, SQSClient, StartMessageMoveTaskCommand,
  TagQueueCommand, UntagQueueCommand,
} from "@aws-sdk/client-sqs";

const endpoint = process.env.SQS_URL;
const { SQS_ACCESS_KEY: accessKeyId = "test", SQS_SECRET_KEY: secretAccessKey = "test" } = process.env;
const client = (more) => new SQSClient({
  endpoint, region: "us-east-1", credentials: { accessKeyId, secretAccessKey }, maxAttempts: 1, ...more,
});
const sqs = client();
const md5 = (text) => createHash("md5").update(text, "utf8").digest("hex");
const newName = () => `js-${randomUUID()}`;
const queues = [];

async function makeQueue(input = {}) {
  const { QueueUrl } = await sqs.send(new CreateQueueCommand({ QueueName: newName(), ...input }));
  queues.push(QueueUrl);
  return QueueUrl;
}

async function receive(QueueUrl, input = {}) {
  return (await sqs.send(new ReceiveMessageCommand({ QueueUrl, WaitTimeSeconds: 2, ...input }))).Messages;
}

async function failure(command) {
  try {
    await sqs.send(command);
  } catch (error) {
    return error;
  }
  return assert.fail("it did not fail");
}

before(() => assert.ok(endpoint, "SQS_URL is not set"));
after(() => Promise.all(queues.map((QueueUrl) => sqs.send(new DeleteQueueCommand({ QueueUrl })).catch(() => {}))));

test("a queue is created, found, listed, described and changed", async () => {
  const QueueUrl = await makeQueue({ Attributes: { VisibilityTimeout: "7" } });
  const QueueName = QueueUrl.split("/").at(-1);
  assert.equal(QueueUrl, `${endpoint}/000000000000/${QueueName}`);
  assert.equal((await sqs.send(new GetQueueUrlCommand({ QueueName }))).QueueUrl, QueueUrl);
  assert.deepEqual((await sqs.send(new ListQueuesCommand({ QueueNamePrefix: QueueName }))).QueueUrls, [QueueUrl]);
  await sqs.send(new SetQueueAttributesCommand({ QueueUrl, Attributes: { DelaySeconds: "0", MaximumMessageSize: "2048" } }));
  const { Attributes } = await sqs.send(new GetQueueAttributesCommand({ QueueUrl, AttributeNames: ["All"] }));
  assert.equal(Attributes.VisibilityTimeout, "7");
  assert.equal(Attributes.MaximumMessageSize, "2048");
  assert.equal((await sqs.send(new GetQueueAttributesCommand({ QueueUrl }))).Attributes, undefined);
});

for (const [what, body] of [["plain", "hello"], ["non-ASCII", "café 😀 \u2028"], ["line ends", "a\r\nb\rc\n\td"],
  ["markup", "<a href=\"x\">&amp;' ]]></a>"], ["a mebibyte", "é".repeat(524288)]]) {
  test(`a body comes back as it was: ${what}`, async () => {
    const QueueUrl = await makeQueue();
    const sent = await sqs.send(new SendMessageCommand({ QueueUrl, MessageBody: body }));
    assert.equal(sent.MD5OfMessageBody, md5(body));
    const [message] = await receive(QueueUrl);
    assert.equal(message.Body, body);
    assert.equal(message.MessageId, sent.MessageId);
  });
}

test("attributes of every type come back, with their digest", async () => {
  const QueueUrl = await makeQueue();
  const MessageAttributes = {
    color: { DataType: "String", StringValue: "blue" },
    count: { DataType: "Number", StringValue: "3" },
    blob: { DataType: "Binary", BinaryValue: Uint8Array.from([1, 2, 3]) },
  };
  const sent = await sqs.send(new SendMessageCommand({
    QueueUrl, MessageBody: "x", MessageAttributes,
    MessageSystemAttributes: { AWSTraceHeader: { DataType: "String", StringValue: "Root=1-5759e988-bd862e3fe1be46a994272793" } },
  }));
  assert.equal(sent.MD5OfMessageAttributes, "d838729972a4b70e2d2acd9d59ac847c");
  assert.match(sent.MD5OfMessageSystemAttributes, /^[0-9a-f]{32}$/);
  const [message] = await receive(QueueUrl, { MessageAttributeNames: ["All"], MessageSystemAttributeNames: ["All"] });
  assert.deepEqual(message.MessageAttributes.color, MessageAttributes.color);
  assert.deepEqual(message.MessageAttributes.count, MessageAttributes.count);
  assert.deepEqual([...message.MessageAttributes.blob.BinaryValue], [1, 2, 3]);
  assert.equal(message.MD5OfMessageAttributes, sent.MD5OfMessageAttributes);
  assert.equal(message.Attributes.ApproximateReceiveCount, "1");
  assert.equal(message.Attributes.AWSTraceHeader, "Root=1-5759e988-bd862e3fe1be46a994272793");
});

test("nothing to receive is no list", async () => {
  assert.equal(await receive(await makeQueue(), { WaitTimeSeconds: 0 }), undefined);
});

test("batches tell what succeeded and what failed", async () => {
  const QueueUrl = await makeQueue();
  const sent = await sqs.send(new SendMessageBatchCommand({
    QueueUrl, Entries: [{ Id: "a", MessageBody: "one" }, { Id: "b", MessageBody: "two", DelaySeconds: 901 }, { Id: "c", MessageBody: "é\r" }],
  }));
  assert.deepEqual(sent.Successful.map((entry) => entry.Id), ["a", "c"]);
  assert.deepEqual(sent.Failed.map(({ Id, Code, SenderFault }) => ({ Id, Code, SenderFault })),
    [{ Id: "b", Code: "InvalidParameterValue", SenderFault: true }]);
  const messages = [];
  while (messages.length < 2) messages.push(...await receive(QueueUrl, { MaxNumberOfMessages: 10 }));
  assert.deepEqual(messages.map((message) => message.Body).sort(), ["one", "é\r"]);
  const Entries = messages.map(({ ReceiptHandle }, i) => ({ Id: `${i}`, ReceiptHandle, VisibilityTimeout: 60 }));
  const changed = await sqs.send(new ChangeMessageVisibilityBatchCommand({ QueueUrl, Entries }));
  assert.equal(changed.Successful.length, 2);
  assert.equal(changed.Failed, undefined);
  const deleted = await sqs.send(new DeleteMessageBatchCommand({
    QueueUrl, Entries: [...Entries.map(({ Id, ReceiptHandle }) => ({ Id, ReceiptHandle })), { Id: "x", ReceiptHandle: "garbage" }],
  }));
  assert.equal(deleted.Successful.length, 2);
  assert.equal(deleted.Failed[0].Code, "ReceiptHandleIsInvalid");
});

test("a message is hidden, shown again and deleted", async () => {
  const QueueUrl = await makeQueue();
  await sqs.send(new SendMessageCommand({ QueueUrl, MessageBody: "x" }));
  const [first] = await receive(QueueUrl);
  assert.equal(await receive(QueueUrl, { WaitTimeSeconds: 0 }), undefined);
  await sqs.send(new ChangeMessageVisibilityCommand({ QueueUrl, ReceiptHandle: first.ReceiptHandle, VisibilityTimeout: 0 }));
  const [again] = await receive(QueueUrl, { VisibilityTimeout: 0 });
  assert.equal(again.MessageId, first.MessageId);
  await sqs.send(new DeleteMessageCommand({ QueueUrl, ReceiptHandle: again.ReceiptHandle }));
  assert.equal(await receive(QueueUrl, { WaitTimeSeconds: 0 }), undefined);
  await sqs.send(new PurgeQueueCommand({ QueueUrl }));
});

test("tags are added and taken away", async () => {
  const QueueUrl = await makeQueue({ tags: { team: "a" } });
  await sqs.send(new TagQueueCommand({ QueueUrl, Tags: { team: "b", empty: "" } }));
  assert.deepEqual((await sqs.send(new ListQueueTagsCommand({ QueueUrl }))).Tags, { team: "b", empty: "" });
  await sqs.send(new UntagQueueCommand({ QueueUrl, TagKeys: ["team", "empty"] }));
  assert.equal((await sqs.send(new ListQueueTagsCommand({ QueueUrl }))).Tags, undefined);
});

test("a message goes to the dead-letter queue and back", async () => {
  const arn = (url) => `arn:aws:sqs:us-east-1:000000000000:${url.split("/").at(-1)}`;
  const dead = await makeQueue();
  const source = await makeQueue({
    Attributes: { RedrivePolicy: JSON.stringify({ deadLetterTargetArn: arn(dead), maxReceiveCount: "1" }) },
  });
  assert.deepEqual((await sqs.send(new ListDeadLetterSourceQueuesCommand({ QueueUrl: dead }))).queueUrls, [source]);
  await sqs.send(new SendMessageCommand({ QueueUrl: source, MessageBody: "x" }));
  assert.equal((await receive(source, { VisibilityTimeout: 0 })).length, 1);
  assert.equal(await receive(source, { WaitTimeSeconds: 0 }), undefined);
  const [buried] = await receive(dead, { VisibilityTimeout: 0, MessageSystemAttributeNames: ["DeadLetterQueueSourceArn"] });
  assert.deepEqual(buried.Attributes, { DeadLetterQueueSourceArn: arn(source) });
  const { TaskHandle } = await sqs.send(new StartMessageMoveTaskCommand({ SourceArn: arn(dead), MaxNumberOfMessagesPerSecond: 500 }));
  assert.match(TaskHandle, /^[A-Za-z0-9+/]+=*$/);
  assert.equal((await receive(source, { WaitTimeSeconds: 20 }))[0].Body, "x");
  const [task] = (await sqs.send(new ListMessageMoveTasksCommand({ SourceArn: arn(dead), MaxResults: 10 }))).Results;
  assert.equal(task.SourceArn, arn(dead));
  assert.equal(task.MaxNumberOfMessagesPerSecond, 500);
  assert.ok(task.StartedTimestamp > Date.now() - 60_000);  // the test clock only goes forward
  const other = await makeQueue({
    Attributes: { RedrivePolicy: JSON.stringify({ deadLetterTargetArn: arn(source), maxReceiveCount: 1 }) },
  });
  const Entries = Array.from({ length: 10 }, (_, n) => ({ Id: `${n}`, MessageBody: "x" }));
  await sqs.send(new SendMessageBatchCommand({ QueueUrl: source, Entries }));
  const slow = await sqs.send(new StartMessageMoveTaskCommand({
    SourceArn: arn(source), DestinationArn: arn(other), MaxNumberOfMessagesPerSecond: 1,
  }));
  const cancelled = await sqs.send(new CancelMessageMoveTaskCommand({ TaskHandle: slow.TaskHandle }));
  assert.ok(cancelled.ApproximateNumberOfMessagesMoved <= 2);
  const missing = await failure(new ListMessageMoveTasksCommand({ SourceArn: `${arn(dead)}-nope` }));
  assert.ok(missing instanceof ResourceNotFoundException, `${missing}`);
  assert.equal(missing.$metadata.httpStatusCode, 404);
});

test("permissions are added and taken away", async () => {
  const QueueUrl = await makeQueue();
  const permission = { QueueUrl, Label: "label", AWSAccountIds: ["111111111111"], Actions: ["SendMessage"] };
  await sqs.send(new AddPermissionCommand(permission));
  const { Attributes } = await sqs.send(new GetQueueAttributesCommand({ QueueUrl, AttributeNames: ["Policy"] }));
  assert.equal(JSON.parse(Attributes.Policy).Statement[0].Action, "SQS:SendMessage");
  const tooMany = await failure(new AddPermissionCommand({ ...permission, Label: "b", Actions: Array(8).fill("SendMessage") }));
  assert.ok(tooMany instanceof OverLimit, `${tooMany}`);
  await sqs.send(new RemovePermissionCommand({ QueueUrl, Label: "label" }));
  assert.equal((await sqs.send(new GetQueueAttributesCommand({ QueueUrl, AttributeNames: ["Policy"] }))).Attributes, undefined);
});

test("errors have their class, their older code and their status", async () => {
  const missing = await failure(new SendMessageCommand({ QueueUrl: `${endpoint}/000000000000/${newName()}`, MessageBody: "x" }));
  assert.ok(missing instanceof QueueDoesNotExist, `${missing}`);
  assert.equal(missing.Code, "AWS.SimpleQueueService.NonExistentQueue");
  assert.equal(missing.$metadata.httpStatusCode, 400);
  assert.equal(missing.message, "The specified queue does not exist.");
  const QueueUrl = await makeQueue();
  const handle = await failure(new DeleteMessageCommand({ QueueUrl, ReceiptHandle: "garbage" }));
  assert.ok(handle instanceof ReceiptHandleIsInvalid, `${handle}`);
  assert.equal(handle.$metadata.httpStatusCode, 404);
  const repeated = await failure(new SendMessageBatchCommand({
    QueueUrl, Entries: [{ Id: "a", MessageBody: "x" }, { Id: "a", MessageBody: "y" }],
  }));
  assert.ok(repeated instanceof BatchEntryIdsNotDistinct, `${repeated}`);
});

test("the SDK goes to the host of the queue URL", async () => {
  const QueueUrl = await makeQueue();
  const unset = client({ endpoint: undefined, useQueueUrlAsEndpoint: true });
  const sent = await unset.send(new SendMessageCommand({ QueueUrl, MessageBody: "x" }));
  assert.equal(sent.MD5OfMessageBody, md5("x"));
});
