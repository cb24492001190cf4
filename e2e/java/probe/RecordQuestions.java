import java.time.Duration;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import org.apache.kafka.clients.admin.Admin;
import org.apache.kafka.clients.admin.ListOffsetsResult.ListOffsetsResultInfo;
import org.apache.kafka.clients.admin.OffsetSpec;
import org.apache.kafka.clients.admin.RecordsToDelete;
import org.apache.kafka.clients.consumer.ConsumerRecord;
import org.apache.kafka.clients.consumer.KafkaConsumer;
import org.apache.kafka.clients.consumer.OffsetAndTimestamp;
import org.apache.kafka.clients.producer.KafkaProducer;
import org.apache.kafka.clients.producer.ProducerRecord;
import org.apache.kafka.clients.producer.RecordMetadata;
import org.apache.kafka.common.KafkaFuture;
import org.apache.kafka.common.TopicPartition;
import org.apache.kafka.common.serialization.StringDeserializer;
import org.apache.kafka.common.serialization.StringSerializer;

/** Writing, reading, finding and deleting records. */
final class RecordQuestions {
    static final long TIME = 1_700_000_000_000L;
    private static final TopicPartition PARTITION = new TopicPartition("d-records", 0);

    private RecordQuestions() {
    }

    static void ask(Admin admin, String bootstrap) {
        Probe.step("make the topic of records", () -> Probe.each(
            admin.createTopics(List.of(TopicQuestions.topic("d-records", 1).configs(Map.of("retention.ms", "-1")), TopicQuestions.topic("d-small", 1).configs(Map.of("max.message.bytes", "500")),
                TopicQuestions.topic("d-append-time", 1).configs(Map.of("message.timestamp.type", "LogAppendTime")))).values(), v -> v));
        Probe.step("offsets of an empty partition", () -> offsets(admin, PARTITION));
        for (int i = 0; i < 6; i++) {
            // The largest timestamp is not the last one.
            long time = TIME + (i == 3 ? 100_000 : i * 1000);
            produced(bootstrap, "record " + i, new ProducerRecord<>("d-records", 0, time, "key " + i, "value " + i));
        }
        produced(bootstrap, "record of the far future", new ProducerRecord<>("d-records", 0, System.currentTimeMillis() + 7_200_000, "k", "v"));
        produced(bootstrap, "record of the year 1970", new ProducerRecord<>("d-records", 0, 0L, "k", "v"));
        produced(bootstrap, "record that is too large for the topic", new ProducerRecord<>("d-small", 0, TIME, "k", "v".repeat(600)));
        produced(bootstrap, "record without key for a compacted topic", new ProducerRecord<>("d-compacted", 0, TIME, null, "v"));
        produced(bootstrap, "record with key for a compacted topic", new ProducerRecord<>("d-compacted", 0, TIME, "k", (String) null));
        produced(bootstrap, "record for a topic with a wrong name", new ProducerRecord<>("a/b", "k", "v"));
        produced(bootstrap, "record for an unknown partition", new ProducerRecord<>("d-records", 9, TIME, "k", "v"));
        produced(bootstrap, "record for a topic that is made by it", new ProducerRecord<>("d-auto", 0, TIME, "k", "v"));
        Probe.step("timestamp of the log is the broker's", () -> {
            long before = System.currentTimeMillis();
            long stamped = send(bootstrap, new ProducerRecord<>("d-append-time", 0, TIME, "k", "v")).timestamp();
            return Probe.facts("type", read(bootstrap, new TopicPartition("d-append-time", 0), 0).get(0).get("timestampType"),
                "now", stamped >= before - 1000 && stamped <= System.currentTimeMillis() + 1000);
        });
        Probe.step("read from the start", () -> read(bootstrap, PARTITION, 0));
        Probe.step("read from the middle", () -> read(bootstrap, PARTITION, 4));
        Probe.step("read beyond the end", () -> read(bootstrap, PARTITION, 99));
        Probe.step("offsets", () -> offsets(admin, PARTITION));
        Probe.step("offsets of an unknown topic", () -> latest(admin, new TopicPartition("no-such-topic", 0)));
        Probe.step("offsets of an unknown partition", () -> latest(admin, new TopicPartition("d-records", 9)));
        for (long time : new long[] {0, TIME, TIME + 1, TIME + 2500, TIME + 4000, TIME + 50_000, TIME + 100_000, TIME + 100_001}) {
            Probe.step("offset for time " + (time == 0 ? "0" : "+" + (time - TIME)), () -> forTime(bootstrap, time));
        }
        for (long before : new long[] {2, 1, 0, 99, -1, -5}) {
            Probe.step("delete records before " + before, () -> Probe.each(
                admin.deleteRecords(Map.of(PARTITION, RecordsToDelete.beforeOffset(before))).lowWatermarks(), low -> low.lowWatermark()));
        }
        Probe.step("delete records of an unknown topic", () -> Probe.each(admin.deleteRecords(
            Map.of(new TopicPartition("no-such-topic", 0), RecordsToDelete.beforeOffset(1))).lowWatermarks(), low -> low.lowWatermark()));
        Probe.step("delete records of a compacted topic", () -> Probe.each(admin.deleteRecords(
            Map.of(new TopicPartition("d-compacted", 0), RecordsToDelete.beforeOffset(1))).lowWatermarks(), low -> low.lowWatermark()));
        Probe.step("offsets after the deletions", () -> offsets(admin, PARTITION));
        Probe.step("read below the first offset", () -> read(bootstrap, PARTITION, 0));
        Probe.step("producers of a partition", () -> admin.describeProducers(List.of(PARTITION)).all().get().get(PARTITION).activeProducers().stream()
            .map(one -> Probe.facts("epoch", one.producerEpoch(), "sequence", one.lastSequence(), "transaction", "" + one.currentTransactionStartOffset())).toList());
    }

    private static void produced(String bootstrap, String what, ProducerRecord<String, String> record) {
        Probe.step("write a " + what, () -> {
            RecordMetadata where = send(bootstrap, record);
            return Probe.facts("partition", where.partition(), "offset", where.offset());
        });
    }

    private static RecordMetadata send(String bootstrap, ProducerRecord<String, String> record) throws Exception {
        Map<String, Object> config = Map.of("bootstrap.servers", bootstrap, "max.block.ms", 4000,
            "delivery.timeout.ms", 10_000, "request.timeout.ms", 6000, "linger.ms", 0);
        try (KafkaProducer<String, String> producer = new KafkaProducer<>(config, new StringSerializer(), new StringSerializer())) {
            return producer.send(record).get();
        }
    }

    private static List<Map<String, Object>> read(String bootstrap, TopicPartition partition, long offset) {
        List<Map<String, Object>> records = new ArrayList<>();
        Map<String, Object> config = Map.of("bootstrap.servers", bootstrap, "auto.offset.reset", "none");
        try (KafkaConsumer<String, String> consumer = new KafkaConsumer<>(config, new StringDeserializer(), new StringDeserializer())) {
            consumer.assign(List.of(partition));
            consumer.seek(partition, offset);
            long end = consumer.endOffsets(List.of(partition)).get(partition);
            // A position beyond the end is found out by polling.
            for (int polls = 0; polls < 20 && (consumer.position(partition) < end || offset > end); polls++) {
                for (ConsumerRecord<String, String> record : consumer.poll(Duration.ofMillis(500))) {
                    records.add(Probe.facts("offset", record.offset(), "key", record.key(), "value", record.value(),
                        "timestampType", record.timestampType().toString(), "leaderEpoch", "" + record.leaderEpoch(),
                        "headers", Probe.list(record.headers()).size()));
                }
            }
        }
        return records;
    }

    private static Object offsets(Admin admin, TopicPartition partition) throws Exception {
        Map<String, OffsetSpec> specs = new HashMap<>();
        specs.put("earliest", OffsetSpec.earliest());
        specs.put("latest", OffsetSpec.latest());
        specs.put("max timestamp", OffsetSpec.maxTimestamp());
        specs.put("earliest local", OffsetSpec.earliestLocal());
        specs.put("latest tiered", OffsetSpec.latestTiered());
        specs.put("earliest pending upload", OffsetSpec.earliestPendingUpload());
        specs.put("time", OffsetSpec.forTimestamp(TIME + 1500));
        Map<String, Object> found = new HashMap<>();
        for (Map.Entry<String, OffsetSpec> spec : specs.entrySet()) {
            KafkaFuture<ListOffsetsResultInfo> answer = admin.listOffsets(Map.of(partition, spec.getValue())).partitionResult(partition);
            found.putAll(Probe.each(Map.of(spec.getKey(), answer), at ->
                Probe.facts("offset", at.offset(), "timestamp", at.timestamp(), "leaderEpoch", "" + at.leaderEpoch())));
        }
        return found;
    }

    private static Object latest(Admin admin, TopicPartition partition) throws Exception {
        return Probe.each(Map.of(partition, admin.listOffsets(Map.of(partition, OffsetSpec.latest())).partitionResult(partition)), at -> at.offset());
    }

    private static Object forTime(String bootstrap, long time) {
        try (KafkaConsumer<String, String> consumer = new KafkaConsumer<>(Map.of("bootstrap.servers", bootstrap),
                new StringDeserializer(), new StringDeserializer())) {
            OffsetAndTimestamp found = consumer.offsetsForTimes(Map.of(PARTITION, time)).get(PARTITION);
            return found == null ? "none" : Probe.facts("offset", found.offset(), "timestamp", found.timestamp());
        }
    }
}
