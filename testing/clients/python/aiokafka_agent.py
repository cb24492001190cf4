"""The agent of aiokafka. Usage: aiokafka_agent.py HOST:PORT

The library is asynchronous: its loop runs on a thread of its own and calls wait for their coroutine there.
"""

import asyncio
import sys
import threading

from aiokafka import AIOKafkaConsumer, AIOKafkaProducer, ConsumerRebalanceListener, TopicPartition
from aiokafka.admin import AIOKafkaAdminClient, NewPartitions, NewTopic, RecordsToDelete
from aiokafka.admin.config_resource import ConfigResource, ConfigResourceType
from aiokafka.errors import for_code
from aiokafka.protocol.group import MemberAssignment
from aiokafka.structs import OffsetAndMetadata

from serve import client_config, run, send_assigned, send_record, to_bytes, to_text

BASE = {"bootstrap_servers": sys.argv[1], "client_id": "aiokafka-agent", **client_config()}
LIMIT_S = 60

loop = asyncio.new_event_loop()
threading.Thread(target=loop.run_forever, daemon=True).start()
member = {}


def awaited(coroutine):
    return asyncio.run_coroutine_threadsafe(coroutine, loop).result(LIMIT_S)


async def started_admin():
    client = AIOKafkaAdminClient(**BASE)
    await client.start()
    return client


admin = awaited(started_admin())


async def produce(args):
    config = {"compression_type": None if args["codec"] == "none" else args["codec"]}
    if "acks" in args:
        config["acks"] = "all" if args["acks"] == -1 else args["acks"]
    if "idempotence" in args:
        config["enable_idempotence"] = args["idempotence"]
    producer = AIOKafkaProducer(**BASE, **config)
    await producer.start()
    try:
        sent = [
            await producer.send(
                args["topic"],
                value=to_bytes(record["value"]),
                key=to_bytes(record["key"]),
                partition=record["partition"],
                timestamp_ms=record["timestamp"],
                headers=[(name, to_bytes(value)) for name, value in record["headers"]],
            )
            for record in args["records"]
        ]
        metadata = [await one for one in sent]
    finally:
        await producer.stop()
    # With acks=0 there is no metadata.
    return [{"partition": one.partition, "offset": one.offset} for one in metadata if one is not None]


def to_record(message):
    return {
        "partition": message.partition,
        "offset": message.offset,
        "key": to_text(message.key),
        "value": to_text(message.value),
        "headers": [[name, to_text(value)] for name, value in message.headers],
        "timestamp": message.timestamp,
    }


async def reader(args, partitions):
    consumer = AIOKafkaConsumer(**BASE)
    await consumer.start()
    assigned = [TopicPartition(args["topic"], partition) for partition in partitions]
    consumer.assign(assigned)
    return consumer, assigned


async def read(args):
    consumer, assigned = await reader(args, [one["partition"] for one in args["from"]])
    for partition, one in zip(assigned, args["from"]):
        consumer.seek(partition, one["offset"])
    records = []
    while len(records) < args["count"]:
        for messages in (await consumer.getmany(timeout_ms=500)).values():
            records.extend(to_record(message) for message in messages)
    await consumer.stop()
    return records


async def watermarks(args):
    consumer, assigned = await reader(args, args["partitions"])
    low, high = await consumer.beginning_offsets(assigned), await consumer.end_offsets(assigned)
    await consumer.stop()
    return [{"partition": one.partition, "low": low[one], "high": high[one]} for one in assigned]


async def offsets_for_time(args):
    consumer, assigned = await reader(args, args["partitions"])
    found = await consumer.offsets_for_times({partition: args["timestamp"] for partition in assigned})
    await consumer.stop()
    return [{"partition": one.partition, "offset": found[one].offset if found[one] else None} for one in assigned]


class Teller(ConsumerRebalanceListener):
    def on_partitions_revoked(self, revoked):
        pass

    def on_partitions_assigned(self, assigned):
        send_assigned([one.partition for one in assigned])


async def join(args):
    config = {"group_id": args["group"], "auto_offset_reset": "earliest"}
    if "sessionTimeoutMs" in args:
        config["session_timeout_ms"] = args["sessionTimeoutMs"]
        config["heartbeat_interval_ms"] = 500
    consumer = AIOKafkaConsumer(**BASE, **config)
    consumer.subscribe([args["topic"]], listener=Teller())

    async def poll():
        # start() waits for the first assignment.
        await consumer.start()
        async for message in consumer:
            send_record(to_record(message))

    member.update(consumer=consumer, polling=asyncio.ensure_future(poll()))


async def leave(_):
    await member["consumer"].stop()
    member["polling"].cancel()
    send_assigned([])


async def commit(args):
    consumer = AIOKafkaConsumer(**BASE, group_id=args["group"], enable_auto_commit=False)
    await consumer.start()
    offsets = {TopicPartition(args["topic"], one["partition"]): one["offset"] for one in args["offsets"]}
    consumer.assign(list(offsets))
    await consumer.commit({partition: OffsetAndMetadata(offset, "") for partition, offset in offsets.items()})
    await consumer.stop()


async def committed(args):
    wanted = [TopicPartition(args["topic"], partition) for partition in args["partitions"]]
    found = await admin.list_consumer_group_offsets(args["group"], partitions=wanted)
    return [
        {"partition": one.partition, "offset": found[one].offset if found[one].offset >= 0 else None} for one in wanted
    ]


async def create_topic(args):
    topic = NewTopic(args["topic"], args["partitions"], 1, topic_configs=args["configs"])
    response = await admin.create_topics([topic])
    check(*response.topic_errors[0][1:])


async def topics(_):
    return await admin.list_topics()


async def describe_topic(args):
    [found] = await admin.describe_topics([args["topic"]])
    check(found["error_code"])
    return [
        {"partition": one["partition"], "leader": one["leader"], "replicas": one["replicas"], "isr": one["isr"]}
        for one in sorted(found["partitions"], key=lambda one: one["partition"])
    ]


async def grow_topic(args):
    await admin.create_partitions({args["topic"]: NewPartitions(args["partitions"])})


async def delete_topic(args):
    response = await admin.delete_topics([args["topic"]])
    check(response.topic_error_codes[0][1])


async def topic_configs(args):
    [response] = await admin.describe_configs([ConfigResource(ConfigResourceType.TOPIC, args["topic"])])
    [resource] = response.resources
    return {entry[0]: entry[1] for entry in resource[4]}


async def set_topic_configs(args):
    resource = ConfigResource(ConfigResourceType.TOPIC, args["topic"], args["configs"])
    for response in await admin.alter_configs([resource]):
        for error_code, message, *_ in response.resources:
            check(error_code, message)


async def delete_records(args):
    before = {TopicPartition(args["topic"], one["partition"]): RecordsToDelete(one["offset"]) for one in args["before"]}
    await admin.delete_records(before)


async def groups(_):
    return [group for group, _ in await admin.list_consumer_groups()]


async def describe_group(args):
    [response] = await admin.describe_consumer_groups([args["group"]])
    [(error_code, _, state, _, _, members, *_)] = response.groups
    check(error_code)
    described = []
    for _, client_id, _, _, assignment, *_ in members:
        partitions = MemberAssignment.decode(assignment).assignment if assignment else []
        described.append({"clientId": client_id, "partitions": [p for _, owned in partitions for p in owned]})
    return {"state": state.upper(), "members": described}


def check(error_code, message=""):
    if error_code:
        raise for_code(error_code)(message)


def waiting(call):
    return lambda args: awaited(call(args))


CALLS = {
    "produce": produce,
    "read": read,
    "watermarks": watermarks,
    "offsetsForTime": offsets_for_time,
    "join": join,
    "leave": leave,
    "commit": commit,
    "committed": committed,
    "createTopic": create_topic,
    "topics": topics,
    "describeTopic": describe_topic,
    "growTopic": grow_topic,
    "deleteTopic": delete_topic,
    "topicConfigs": topic_configs,
    "setTopicConfigs": set_topic_configs,
    "deleteRecords": delete_records,
    "groups": groups,
    "describeGroup": describe_group,
}
run({name: waiting(call) for name, call in CALLS.items()})
