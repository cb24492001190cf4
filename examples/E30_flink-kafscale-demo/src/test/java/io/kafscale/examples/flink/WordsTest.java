package io.kafscale.examples.flink;

import static org.junit.jupiter.api.Assertions.assertEquals;

import java.nio.charset.StandardCharsets;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import org.apache.kafka.clients.producer.ProducerRecord;
import org.apache.kafka.common.header.Headers;
import org.apache.kafka.common.header.internals.RecordHeaders;
import org.junit.jupiter.api.Test;

class WordsTest {
    private static byte[] bytes(String text) {
        return text == null ? null : text.getBytes(StandardCharsets.UTF_8);
    }

    @Test
    void areThoseOfHeaderNamesKeyAndValue() {
        Headers headers = new RecordHeaders().add("Authorization", bytes("Bearer of-a-secret"));
        assertEquals(List.of("header | authorization", "key | order", "key | 17", "value | one", "value | wídget"),
            Words.of(headers, bytes("order-17"), bytes("One, wídget!")));
    }

    @Test
    void whatIsMissingIsCountedToo() {
        assertEquals(List.of("stats | no-headers", "stats | no-key", "stats | no-value"),
            Words.of(new RecordHeaders(), null, null));
    }

    @Test
    void emptyTextHasNoWordsAndIsNotMissing() {
        assertEquals(List.of("stats | no-headers"), Words.of(new RecordHeaders(), bytes(""), bytes(" - ")));
    }

    @Test
    void ofTheSampleRecordsAreWhatTheReadmePromises() {
        Map<String, Integer> counts = new TreeMap<>();
        for (int i = 0; i < 20; i++) {
            ProducerRecord<String, String> record = SampleRecords.record("topic", i);
            Words.of(record.headers(), bytes(record.key()), bytes(record.value()))
                .forEach(word -> counts.merge(word, 1, Integer::sum));
        }
        assertEquals(List.of(5, 12, 9, 3), List.of(counts.get("header | authorization"), counts.get("key | order"),
            counts.get("value | widget"), counts.get("stats | no-key")));
    }
}
