import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.node.ArrayNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import java.util.ArrayList;
import java.util.Base64;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import org.apache.kafka.clients.consumer.ConsumerRecord;
import org.apache.kafka.clients.producer.ProducerRecord;
import org.apache.kafka.common.TopicPartition;
import org.apache.kafka.common.header.Header;
import org.apache.kafka.common.header.Headers;
import org.apache.kafka.common.header.internals.RecordHeaders;

/** The protocol's JSON shapes and the client's objects. */
final class Json {
    private Json() {
    }

    static ProducerRecord<byte[], byte[]> toProduce(String topic, JsonNode record) {
        Headers headers = new RecordHeaders();
        for (JsonNode header : record.get("headers")) {
            headers.add(header.get(0).asText(), bytes(header.get(1)));
        }
        return new ProducerRecord<>(topic, record.get("partition").asInt(), record.get("timestamp").asLong(),
            bytes(record.get("key")), bytes(record.get("value")), headers);
    }

    static ObjectNode fromRead(ConsumerRecord<byte[], byte[]> record) {
        ObjectNode json = Agent.JSON.createObjectNode();
        json.put("partition", record.partition()).put("offset", record.offset()).put("timestamp", record.timestamp());
        json.put("key", base64(record.key())).put("value", base64(record.value()));
        ArrayNode headers = json.putArray("headers");
        for (Header header : record.headers()) {
            headers.addArray().add(header.key()).add(base64(header.value()));
        }
        return json;
    }

    static List<TopicPartition> partitions(JsonNode args) {
        List<TopicPartition> list = new ArrayList<>();
        for (JsonNode partition : args.get("partitions")) {
            list.add(new TopicPartition(args.get("topic").asText(), partition.asInt()));
        }
        return list;
    }

    /** A list of {partition, offset} as a map, in the list's order of partitions. */
    static Map<TopicPartition, Long> offsets(String topic, JsonNode list) {
        Map<TopicPartition, Long> offsets = new HashMap<>();
        for (JsonNode one : list) {
            offsets.put(new TopicPartition(topic, one.get("partition").asInt()), one.get("offset").asLong());
        }
        return offsets;
    }

    static Map<String, String> strings(JsonNode object) {
        Map<String, String> strings = new TreeMap<>();
        object.properties().forEach(entry -> strings.put(entry.getKey(), entry.getValue().asText()));
        return strings;
    }

    /** {partition, offset}; a null offset stays null. */
    static Map<String, Object> place(int partition, Long offset) {
        Map<String, Object> place = new HashMap<>();
        place.put("partition", partition);
        place.put("offset", offset);
        return place;
    }

    private static byte[] bytes(JsonNode text) {
        return text.isNull() ? null : Base64.getDecoder().decode(text.asText());
    }

    private static String base64(byte[] bytes) {
        return bytes == null ? null : Base64.getEncoder().encodeToString(bytes);
    }
}
