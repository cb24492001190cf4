import com.fasterxml.jackson.databind.JsonNode;
import java.time.Duration;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Properties;
import java.util.concurrent.Future;
import org.apache.kafka.clients.consumer.ConsumerConfig;
import org.apache.kafka.clients.consumer.ConsumerRecord;
import org.apache.kafka.clients.consumer.KafkaConsumer;
import org.apache.kafka.clients.consumer.OffsetAndTimestamp;
import org.apache.kafka.clients.producer.KafkaProducer;
import org.apache.kafka.clients.producer.ProducerConfig;
import org.apache.kafka.clients.producer.RecordMetadata;
import org.apache.kafka.common.TopicPartition;
import org.apache.kafka.common.serialization.ByteArrayDeserializer;
import org.apache.kafka.common.serialization.ByteArraySerializer;

/** Writing and reading records without a group. */
final class RecordCalls {
    private final Properties base;

    RecordCalls(Properties base, Map<String, Agent.Call> calls) {
        this.base = base;
        calls.put("produce", this::produce);
        calls.put("read", this::read);
        calls.put("watermarks", this::watermarks);
        calls.put("offsetsForTime", this::offsetsForTime);
    }

    private Object produce(JsonNode args) throws Exception {
        Properties config = Agent.copy(base);
        config.put(ProducerConfig.COMPRESSION_TYPE_CONFIG, args.get("codec").asText());
        if (args.has("acks")) {
            config.put(ProducerConfig.ACKS_CONFIG, args.get("acks").asText());
        }
        if (args.has("idempotence")) {
            config.put(ProducerConfig.ENABLE_IDEMPOTENCE_CONFIG, args.get("idempotence").asBoolean());
        }
        List<Future<RecordMetadata>> sent = new ArrayList<>();
        List<Object> places = new ArrayList<>();
        try (KafkaProducer<byte[], byte[]> producer =
                new KafkaProducer<>(config, new ByteArraySerializer(), new ByteArraySerializer())) {
            for (JsonNode record : args.get("records")) {
                sent.add(producer.send(Json.toProduce(args.get("topic").asText(), record)));
            }
            producer.flush();
            for (Future<RecordMetadata> one : sent) {
                places.add(Json.place(one.get().partition(), one.get().offset()));
            }
        }
        return places;
    }

    private Object read(JsonNode args) {
        Map<TopicPartition, Long> from = Json.offsets(args.get("topic").asText(), args.get("from"));
        List<Object> records = new ArrayList<>();
        try (KafkaConsumer<byte[], byte[]> consumer = consumer()) {
            consumer.assign(from.keySet());
            from.forEach(consumer::seek);
            while (records.size() < args.get("count").asInt()) {
                for (ConsumerRecord<byte[], byte[]> record : consumer.poll(Duration.ofMillis(500))) {
                    records.add(Json.fromRead(record));
                }
            }
        }
        return records;
    }

    private Object watermarks(JsonNode args) {
        List<TopicPartition> partitions = Json.partitions(args);
        List<Object> marks = new ArrayList<>();
        try (KafkaConsumer<byte[], byte[]> consumer = consumer()) {
            Map<TopicPartition, Long> low = consumer.beginningOffsets(partitions);
            Map<TopicPartition, Long> high = consumer.endOffsets(partitions);
            for (TopicPartition one : partitions) {
                marks.add(Map.of("partition", one.partition(), "low", low.get(one), "high", high.get(one)));
            }
        }
        return marks;
    }

    private Object offsetsForTime(JsonNode args) {
        Map<TopicPartition, Long> times = new HashMap<>();
        for (TopicPartition partition : Json.partitions(args)) {
            times.put(partition, args.get("timestamp").asLong());
        }
        List<Object> places = new ArrayList<>();
        try (KafkaConsumer<byte[], byte[]> consumer = consumer()) {
            Map<TopicPartition, OffsetAndTimestamp> found = consumer.offsetsForTimes(times);
            found.forEach((partition, at) ->
                places.add(Json.place(partition.partition(), at == null ? null : at.offset())));
        }
        return places;
    }

    private KafkaConsumer<byte[], byte[]> consumer() {
        return new KafkaConsumer<>(base, new ByteArrayDeserializer(), new ByteArrayDeserializer());
    }
}
