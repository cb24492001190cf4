"""The agent of confluent-kafka (librdkafka) for Python. Usage: confluent_agent.py HOST:PORT"""

import sys
import threading
import uuid

from confluent_kafka import Consumer, ConsumerGroupTopicPartitions, KafkaException, Producer, TopicPartition
from confluent_kafka.admin import (
    AdminClient,
    AlterConfigOpType,
    ConfigEntry,
    ConfigResource,
    NewPartitions,
    NewTopic,
    ResourceType,
)

from serve import client_config, run, send_assigned, send_record, to_bytes, to_text

BASE = {"bootstrap.servers": sys.argv[1], "client.id": "confluent-agent", **client_config()}
LIMIT_S = 30

admin = AdminClient(BASE)
member = {}


def produce(args):
    config = {**BASE, "compression.type": args["codec"]}
    if "acks" in args:
        config["acks"] = args["acks"]
    if "idempotence" in args:
        config["enable.idempotence"] = args["idempotence"]
    producer = Producer(config)
    places, errors = [], []

    def delivered(error, message):
        if error is not None:
            errors.append(error)
        else:
            offset = message.offset()
            places.append({"partition": message.partition(), "offset": -1 if offset is None else offset})

    for record in args["records"]:
        producer.produce(
            args["topic"],
            value=to_bytes(record["value"]),
            key=to_bytes(record["key"]),
            partition=record["partition"],
            timestamp=record["timestamp"],
            headers=[(name, to_bytes(value)) for name, value in record["headers"]],
            on_delivery=delivered,
        )
    if producer.flush(LIMIT_S) > 0:
        raise TimeoutError("not everything was delivered")
    if errors:
        raise KafkaException(errors[0])
    return places


def to_record(message):
    return {
        "partition": message.partition(),
        "offset": message.offset(),
        "key": to_text(message.key()),
        "value": to_text(message.value()),
        "headers": [[name, to_text(value)] for name, value in message.headers() or []],
        "timestamp": message.timestamp()[1],
    }


def polled(consumer, wait_s):
    message = consumer.poll(wait_s)
    if message is None:
        return None
    if message.error() is not None:
        raise KafkaException(message.error())
    return message


def reader():
    return Consumer({**BASE, "group.id": "read-" + str(uuid.uuid4())})


def read(args):
    consumer = reader()
    consumer.assign([TopicPartition(args["topic"], one["partition"], one["offset"]) for one in args["from"]])
    records = []
    while len(records) < args["count"]:
        message = polled(consumer, 1)
        if message is not None:
            records.append(to_record(message))
    consumer.close()
    return records


def watermarks(args):
    consumer = reader()
    marks = []
    for partition in args["partitions"]:
        low, high = consumer.get_watermark_offsets(TopicPartition(args["topic"], partition), timeout=LIMIT_S)
        marks.append({"partition": partition, "low": low, "high": high})
    consumer.close()
    return marks


def offsets_for_time(args):
    consumer = reader()
    wanted = [TopicPartition(args["topic"], partition, args["timestamp"]) for partition in args["partitions"]]
    found = consumer.offsets_for_times(wanted, timeout=LIMIT_S)
    consumer.close()
    return [{"partition": one.partition, "offset": one.offset if one.offset >= 0 else None} for one in found]


def join(args):
    config = {**BASE, "group.id": args["group"], "auto.offset.reset": "earliest"}
    if "sessionTimeoutMs" in args:
        config["session.timeout.ms"] = args["sessionTimeoutMs"]
        config["heartbeat.interval.ms"] = 500
    consumer = Consumer(config)
    stop = threading.Event()

    def assigned(_, partitions):
        send_assigned([one.partition for one in partitions])

    def poll():
        while not stop.is_set():
            message = polled(consumer, 0.2)
            if message is not None:
                send_record(to_record(message))
        consumer.close()

    consumer.subscribe([args["topic"]], on_assign=assigned)
    thread = threading.Thread(target=poll, daemon=True)
    thread.start()
    member.update(stop=stop, thread=thread)


def leave(_):
    member["stop"].set()
    member["thread"].join()
    send_assigned([])


def commit(args):
    offsets = [TopicPartition(args["topic"], one["partition"], one["offset"]) for one in args["offsets"]]
    request = ConsumerGroupTopicPartitions(args["group"], offsets)
    for future in admin.alter_consumer_group_offsets([request]).values():
        for one in future.result(LIMIT_S).topic_partitions:
            if one.error is not None:
                raise KafkaException(one.error)


def committed(args):
    wanted = [TopicPartition(args["topic"], partition) for partition in args["partitions"]]
    request = ConsumerGroupTopicPartitions(args["group"], wanted)
    [future] = admin.list_consumer_group_offsets([request]).values()
    found = future.result(LIMIT_S).topic_partitions
    return [{"partition": one.partition, "offset": one.offset if one.offset >= 0 else None} for one in found]


def create_topic(args):
    topic = NewTopic(args["topic"], num_partitions=args["partitions"], config=args["configs"])
    all_results(admin.create_topics([topic]))


def topics(_):
    return list(admin.list_topics(timeout=LIMIT_S).topics)


def describe_topic(args):
    found = admin.list_topics(args["topic"], timeout=LIMIT_S).topics[args["topic"]]
    if found.error is not None:
        raise KafkaException(found.error)
    return [
        {"partition": one.id, "leader": one.leader, "replicas": one.replicas, "isr": one.isrs}
        for one in sorted(found.partitions.values(), key=lambda one: one.id)
    ]


def grow_topic(args):
    all_results(admin.create_partitions([NewPartitions(args["topic"], args["partitions"])]))


def delete_topic(args):
    all_results(admin.delete_topics([args["topic"]]))


def topic_configs(args):
    [future] = admin.describe_configs([ConfigResource(ResourceType.TOPIC, args["topic"])]).values()
    return {name: entry.value for name, entry in future.result(LIMIT_S).items()}


def set_topic_configs(args):
    changes = [
        ConfigEntry(name, value, incremental_operation=AlterConfigOpType.SET) for name, value in args["configs"].items()
    ]
    resource = ConfigResource(ResourceType.TOPIC, args["topic"], incremental_configs=changes)
    all_results(admin.incremental_alter_configs([resource]))


def delete_records(args):
    before = [TopicPartition(args["topic"], one["partition"], one["offset"]) for one in args["before"]]
    all_results(admin.delete_records(before))


def groups(_):
    return [one.group_id for one in admin.list_consumer_groups().result(LIMIT_S).valid]


def describe_group(args):
    [future] = admin.describe_consumer_groups([args["group"]]).values()
    found = future.result(LIMIT_S)
    members = [
        {"clientId": one.client_id, "partitions": [at.partition for at in one.assignment.topic_partitions]}
        for one in found.members
    ]
    return {"state": found.state.name.replace("_", ""), "members": members}


def delete_group(args):
    all_results(admin.delete_consumer_groups([args["group"]]))


def all_results(futures):
    for future in futures.values():
        future.result(LIMIT_S)


run({
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
    "deleteGroup": delete_group,
})
