import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.node.ArrayNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import java.time.Duration;
import java.util.Collection;
import java.util.List;
import java.util.Map;
import java.util.Properties;
import org.apache.kafka.clients.consumer.ConsumerConfig;
import org.apache.kafka.clients.consumer.ConsumerRebalanceListener;
import org.apache.kafka.clients.consumer.ConsumerRecord;
import org.apache.kafka.clients.consumer.KafkaConsumer;
import org.apache.kafka.common.TopicPartition;
import org.apache.kafka.common.errors.WakeupException;
import org.apache.kafka.common.serialization.ByteArrayDeserializer;

/** The agent's member of a consumer group: one thread that polls and tells what it sees. */
final class Member {
    private final Properties base;
    private KafkaConsumer<byte[], byte[]> consumer;
    private Thread polling;

    Member(Properties base, Map<String, Agent.Call> calls) {
        this.base = base;
        calls.put("join", this::join);
        calls.put("leave", args -> leave());
    }

    private Object join(JsonNode args) {
        Properties config = Agent.copy(base);
        config.put(ConsumerConfig.GROUP_ID_CONFIG, args.get("group").asText());
        config.put(ConsumerConfig.AUTO_OFFSET_RESET_CONFIG, "earliest");
        if (args.has("sessionTimeoutMs")) {
            config.put(ConsumerConfig.SESSION_TIMEOUT_MS_CONFIG, args.get("sessionTimeoutMs").asInt());
            config.put(ConsumerConfig.HEARTBEAT_INTERVAL_MS_CONFIG, 500);
        }
        KafkaConsumer<byte[], byte[]> joining =
            new KafkaConsumer<>(config, new ByteArrayDeserializer(), new ByteArrayDeserializer());
        joining.subscribe(List.of(args.get("topic").asText()), new Teller());
        consumer = joining;
        polling = new Thread(() -> poll(joining));
        polling.start();
        return null;
    }

    private Object leave() throws InterruptedException {
        consumer.wakeup();
        polling.join();
        tellAssigned(List.of());
        return null;
    }

    private static void poll(KafkaConsumer<byte[], byte[]> consumer) {
        try (consumer) {
            while (true) {
                for (ConsumerRecord<byte[], byte[]> record : consumer.poll(Duration.ofMillis(500))) {
                    ObjectNode event = Agent.JSON.createObjectNode().put("event", "record");
                    event.set("record", Json.fromRead(record));
                    Agent.send(event);
                }
            }
        } catch (WakeupException leaving) {
            // The consumer is closed below, which commits and leaves the group.
        }
    }

    private static void tellAssigned(Collection<TopicPartition> partitions) {
        ObjectNode event = Agent.JSON.createObjectNode().put("event", "assigned");
        ArrayNode list = event.putArray("partitions");
        partitions.forEach(one -> list.add(one.partition()));
        Agent.send(event);
    }

    private final class Teller implements ConsumerRebalanceListener {
        @Override
        public void onPartitionsRevoked(Collection<TopicPartition> partitions) {
            // What stays is told when the new assignment comes.
        }

        @Override
        public void onPartitionsAssigned(Collection<TopicPartition> partitions) {
            tellAssigned(consumer.assignment());
        }
    }
}
